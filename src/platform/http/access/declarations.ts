import { RouteConfig } from '@nestjs/platform-fastify';
import type { Access, AdminAccessOptions, Capability, ControlAccessOptions } from './access.js';

const DECLARATIONS = Symbol('caracal:access');

/** Anyone may call the route. It must be named in `public-routes.ts` as well. */
export function Public(): MethodDecorator {
  return declare({ kind: 'public' });
}

/** An admin token with this capability, for the zone in the path or, without one there, for all zones. */
export function AdminAccess(capability: Capability, options: AdminAccessOptions = {}): MethodDecorator {
  return declare({ kind: 'admin', capability, ...options });
}

/** A live application or session token of the zone in the path. */
export function RuntimeAccess(): MethodDecorator {
  return declare({ kind: 'runtime' });
}

/** A control token, while the gate of control is open. */
export function ControlAccess(options: ControlAccessOptions = {}): MethodDecorator {
  return declare({ kind: 'control', ...options });
}

/** An OAuth endpoint: the handler authenticates the client from the form. Answers follow RFC 6749 §5. */
export function OAuthClient(): MethodDecorator {
  return declare({ kind: 'oauth' });
}

/** A page for people: the handler authenticates them by its own session cookie. It takes forms. */
export function OperatorPage(): MethodDecorator {
  return declare({ kind: 'page' });
}

/** Every access declaration that a handler carries; a route is sound with exactly one. */
export function accessDeclarations(handler: object): readonly Access[] {
  return (Reflect.getOwnMetadata(DECLARATIONS, handler) as readonly Access[] | undefined) ?? [];
}

function declare(access: Access): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = descriptor.value as object;
    Reflect.defineMetadata(DECLARATIONS, [...accessDeclarations(handler), access], handler);
    RouteConfig({ access })(target, key, descriptor);
  };
}
