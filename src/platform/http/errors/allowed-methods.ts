import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  readonly pattern: RegExp;
  readonly url: string;
  readonly methods: ReadonlySet<string>;
}

/** Knows, for a path that no route serves with the method asked for, which methods it is served with (RFC 9110 §15.5.6). */
export class AllowedMethods {
  private readonly routes: KnownRoute[] = [];

  /** Learns every route that is registered from now on. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      this.routes.push({ pattern: patternOf(url), url, methods: new Set([method].flat()) });
    });
  }

  /** The methods of every route with this path for which `serves` holds, sorted; none when nothing has this path. */
  of(path: string, serves: (url: string) => boolean): readonly string[] {
    const methods = new Set<string>();
    for (const route of this.routes) {
      if (route.pattern.test(path) && serves(route.url)) for (const method of route.methods) methods.add(method);
    }
    return [...methods].sort();
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment === '*' ? '.*' : escape(segment)))
    .join('/');
  return new RegExp(`^${source}$`);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
