import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkRawRoutes, watchRawRoutes } from '../access/check-raw-routes.js';
import { checkRoutes, declaredRoutes } from '../access/check-routes.js';
import { installBodyParsing } from '../body/body-parsing.js';
import { AllowedMethods } from '../errors/allowed-methods.js';
import { EdgeFilter } from '../errors/edge-filter.js';
import { PUBLIC_ROUTES } from '../public-routes.js';
import { installConditionalReads } from '../rest/conditional-reads.js';
import { UnreadInputGuard } from '../rest/unread-input.js';
import { ValidationPipe } from '../rest/validation-pipe.js';
import { LoadWatch } from '../../load/index.js';
import { installEdgeHooks } from './edge-hooks.js';
import { installLoadShedding, type LoadShedder } from './load-shedding.js';
import { REQUEST_METER, type RequestMeter } from './request-meter.js';
import { CONTROL_GATE, type RouteGate } from './route-gate.js';
import { securityHeaders } from './security-headers.js';
import { serverOptions } from './server-options.js';
import { Surfaces } from './surfaces.js';

/** What the edge needs of the configuration. */
export interface EdgeSettings {
  readonly adminPort?: number;
  readonly publicUrl?: string;
  readonly trustProxy: readonly string[];
}

export interface EdgeLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Takes a request that the router could not read, when it belongs to a raw context; true when it did. */
export type TakeBroken = (request: FastifyRequest, reply: FastifyReply) => boolean;

export interface HttpAppParts {
  readonly settings: EdgeSettings;
  /** The public base URL; asked only when a request has arrived. */
  readonly base: () => string;
  readonly log: EdgeLog;
  /** Where Nest's own messages go. */
  readonly nestLogger?: LoggerService | false;
  /** Registers contexts that read their own bodies (the gateway's), once everything is injected and before Nest's routes. */
  readonly registerRaw?: (fastify: FastifyInstance, app: NestFastifyApplication) => TakeBroken | undefined;
  readonly publicRoutes?: readonly string[];
}

/**
 * The application behind its HTTP edge, initialized and not listening. Throws a StartError when a route lacks its access
 * declaration or the public routes are not those of the checked-in list.
 */
export async function createHttpApp(
  module: Type | DynamicModule,
  parts: HttpAppParts,
): Promise<NestFastifyApplication> {
  const late: LateParts = { meter: { observe: () => undefined }, controlGate: SHUT, takeBroken: undefined, load: IDLE };
  const { adapter, fastify, filter, rawRoutes } = makeEdge(parts, late);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: parts.nestLogger ?? false,
    abortOnError: false,
  });
  late.meter = optional(app, REQUEST_METER) ?? late.meter;
  late.controlGate = optional(app, CONTROL_GATE) ?? late.controlGate;
  late.load = optional(app, LoadWatch) ?? late.load;
  checkRoutes(declaredRoutes(app.get(ModulesContainer)), parts.publicRoutes ?? PUBLIC_ROUTES);
  late.takeBroken = parts.registerRaw?.(fastify, app);
  app.useGlobalFilters(filter);
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalGuards(new UnreadInputGuard());
  await app.init();
  await fastify.ready();
  checkRawRoutes(rawRoutes);
  return app;
}

/** What is known only once everything is injected, and before the first request. */
interface LateParts {
  meter: RequestMeter;
  controlGate: RouteGate;
  takeBroken: TakeBroken | undefined;
  load: LoadShedder;
}

const IDLE: LoadShedder = { sheds: () => false };

/** Until somebody says when they may be used, routes of control may not be. */
const SHUT: RouteGate = { fault: () => Promise.resolve('there is no gate') };

interface Edge {
  readonly adapter: FastifyAdapter;
  readonly fastify: FastifyInstance;
  readonly filter: EdgeFilter;
  readonly rawRoutes: ReadonlySet<string>;
}

/** Fastify with our hooks, parsers and words, before any route is registered: all of them apply to every route. */
function makeEdge({ settings, base, log }: HttpAppParts, late: LateParts): Edge {
  const surfaces = new Surfaces(settings.adminPort !== undefined);
  const allowed = new AllowedMethods();
  const filter = new EdgeFilter({ base, log, allowed, serves: (request, url) => surfaces.serves(request, url) });
  const adapter = new FastifyAdapter({
    ...serverOptions({ trustProxy: settings.trustProxy, base }),
    skipMiddie: true,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      if (late.takeBroken?.(request, reply) === true) return;
      void reply.header('x-request-id', request.id);
      filter.answer(error, request, reply);
    },
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  allowed.watch(fastify);
  const rawRoutes = watchRawRoutes(fastify);
  installBodyParsing(fastify);
  installConditionalReads(fastify);
  installEdgeHooks(fastify, {
    surfaces,
    headers: securityHeaders(settings.publicUrl),
    log,
    meter: () => late.meter,
    controlGate: () => late.controlGate,
  });
  installLoadShedding(fastify, () => late.load);
  return { adapter, fastify, filter, rawRoutes };
}

/** What a module of the application provides, if one does. */
function optional<T>(app: NestFastifyApplication, token: symbol | Type<T>): T | undefined {
  try {
    return app.get<T>(token, { strict: false });
  } catch {
    return undefined;
  }
}
