import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { StartError } from '../../../kernel/start-error.js';
import type { Access } from './access.js';
import { accessDeclarations } from './declarations.js';

/** One route of one controller, as declared. */
export interface DeclaredRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: string;
  readonly access: readonly Access[];
  /** Where its decorators left their metadata. */
  readonly controller: { readonly prototype: object };
  readonly property: string;
}

/** Every route of every controller of the application. */
export function declaredRoutes(modules: ModulesContainer): DeclaredRoute[] {
  const routes: DeclaredRoute[] = [];
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) if (metatype) routes.push(...routesOf(metatype));
  }
  return routes;
}

/** Throws a StartError that names every route without exactly one access declaration and every difference to the public list. */
export function checkRoutes(routes: readonly DeclaredRoute[], publicRoutes: readonly string[]): void {
  const faults = routes
    .filter((route) => route.access.length !== 1)
    .map(
      (route) =>
        `${nameOf(route)} (${route.handler}) carries ${route.access.length} access declarations instead of one`,
    );
  const open = new Set(routes.filter((route) => route.access.some((access) => access.kind === 'public')).map(nameOf));
  const listed = new Set(publicRoutes);
  for (const name of open) if (!listed.has(name)) faults.push(`${name} is public but not listed in public-routes.ts`);
  for (const name of listed)
    if (!open.has(name)) faults.push(`${name} is listed in public-routes.ts but is no public route`);
  if (faults.length > 0) throw new StartError(faults);
}

export function nameOf(route: DeclaredRoute): string {
  return `${route.method} ${route.path}`;
}

function routesOf(controller: unknown): DeclaredRoute[] {
  if (typeof controller !== 'function') return [];
  const prototype = controller.prototype as Record<string, object>;
  const bases = pathsOf(controller);
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const handler = prototype[name];
    if (!handler || !Reflect.hasMetadata(PATH_METADATA, handler)) return [];
    const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
    const access = accessDeclarations(handler);
    return bases.flatMap((base) =>
      pathsOf(handler).map((path) => ({
        method,
        path: join(base, path),
        handler: `${controller.name}.${name}`,
        access,
        controller: controller,
        property: name,
      })),
    );
  });
}

function pathsOf(target: object): string[] {
  const path = Reflect.getMetadata(PATH_METADATA, target) as string | string[] | undefined;
  return path === undefined ? [''] : [path].flat();
}

function join(base: string, path: string): string {
  const joined = `/${base}/${path}`.replaceAll(/\/{2,}/g, '/');
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
}
