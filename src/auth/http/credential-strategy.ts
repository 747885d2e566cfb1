import type { OnModuleDestroy } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import passport from 'passport';
import { Strategy } from 'passport-custom';
import type { Principal } from '../principals.js';

/** Says who a request is from, or throws the refusal that the caller gets. */
export type Authenticate = (request: FastifyRequest) => Promise<Principal>;

let made = 0;

/**
 * Registers a passport strategy under a name that no other application in the process uses: passport keeps strategies in one
 * global table, and a second application must not take over the first one's.
 */
export function registerStrategy(kind: Principal['kind'], authenticate: Authenticate): string {
  made += 1;
  const name = `caracal-${kind}-${made}`;
  const strategy = new Strategy((request, done) => {
    authenticate(request as unknown as FastifyRequest).then(
      (principal) => done(null, principal),
      (refusal) => done(refusal),
    );
  });
  passport.use(name, strategy);
  return name;
}

/** Runs a strategy; what it refuses goes on to the error filter with its challenge, which passport's own answer would drop. */
export abstract class CredentialGuard extends AuthGuard() implements OnModuleDestroy {
  protected constructor(private readonly strategy: string) {
    super({ defaultStrategy: strategy, session: false });
  }

  onModuleDestroy(): void {
    passport.unuse(this.strategy);
  }

  override handleRequest<User>(refusal: unknown, principal: User): User {
    if (refusal instanceof Error) throw refusal;
    if (refusal || !principal) throw new Error('a strategy gave neither a principal nor a refusal');
    return principal;
  }
}
