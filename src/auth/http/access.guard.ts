import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { routeAccess } from '../../platform/http/index.js';
import { AdminGuard } from './admin.guard.js';
import { ControlGuard } from './control.guard.js';
import { RuntimeGuard } from './runtime.guard.js';

/** In front of every handler: does what the route's access declaration says, and refuses where there is none. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly admin: AdminGuard,
    private readonly runtime: RuntimeGuard,
    private readonly control: ControlGuard,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const access = routeAccess(context.switchToHttp().getRequest<FastifyRequest>());
    switch (access?.kind) {
      case 'public':
      case 'oauth':
      case 'page':
        return true;
      case 'admin':
        return this.admin.canActivate(context);
      case 'runtime':
        return this.runtime.canActivate(context);
      case 'control':
        return this.control.canActivate(context);
      case undefined:
        throw new Error('a route without an access declaration was reached');
    }
  }
}
