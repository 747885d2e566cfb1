import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { StartError } from '../../kernel/start-error.js';
import {
  type Capability,
  declaredRoutes,
  type DeclaredRoute,
  handlerInputs,
  hasPlainResult,
  invokeHandler,
  type HandlerInput,
  selfContainedSchema,
} from '../../platform/http/index.js';
import type { DeclaredScope } from '../domain/resources/resource.js';
import { type Command, commandOf, isCommandRoute } from './domain/command.js';

interface Entry {
  readonly command: Command;
  readonly route: DeclaredRoute;
  readonly controller: object;
}

/** Every administrative command, made of the very routes that administrators use: what is not there cannot be called. */
@Injectable()
export class CommandCatalogue {
  private made: ReadonlyMap<string, Entry> | undefined;

  constructor(private readonly modules: ModulesContainer) {}

  /** In order of their scopes. */
  all(): readonly Command[] {
    return [...this.entries().values()].map(({ command }) => command);
  }

  byScope(scope: string): Command | undefined {
    return this.entries().get(scope)?.command;
  }

  /** One scope for each command, as the control resource of a zone declares them. */
  scopes(): readonly DeclaredScope[] {
    return this.all().map(({ scope, command, verb }) => ({ name: scope, description: `${verb} of ${command}` }));
  }

  /** Runs the use case behind a command and answers its result. The caller has authorized and recorded the call. */
  run({ scope }: Command, input: HandlerInput, request: FastifyRequest): Promise<unknown> {
    const entry = this.entries().get(scope);
    if (!entry) throw new Error(`there is no command with the scope ${scope}`);
    return invokeHandler(entry.controller, entry.route, input, request);
  }

  private entries(): ReadonlyMap<string, Entry> {
    return (this.made ??= this.make());
  }

  private make(): ReadonlyMap<string, Entry> {
    const instances = this.instances();
    const found = new Map<string, Entry>();
    for (const route of declaredRoutes(this.modules)) {
      const command = toCommand(route);
      const controller = instances.get(route.controller);
      if (!command || !controller) continue;
      if (found.has(command.scope)) throw new StartError([`two routes would be the command ${command.scope}`]);
      found.set(command.scope, { command, route, controller });
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private instances(): ReadonlyMap<unknown, object> {
    const all = [...this.modules.values()].flatMap((module) => [...module.controllers.values()]);
    return new Map(all.map(({ metatype, instance }) => [metatype, instance]));
  }
}

function toCommand(route: DeclaredRoute): Command | undefined {
  const capability = commandCapability(route);
  if (capability === undefined || !hasPlainResult(route)) return undefined;
  const { query, body, conditional, pages } = handlerInputs(route);
  const [queryParts, bodyParts] = [query, body].map((dto) => dto && selfContainedSchema(dto));
  return commandOf({
    handler: route.handler,
    path: route.path,
    capability,
    conditional,
    pages,
    query: queryParts?.schema,
    body: bodyParts?.schema,
    definitions: { ...queryParts?.definitions, ...bodyParts?.definitions },
  });
}

/** What an administrator needs for the route; undefined for one that is no command. */
function commandCapability({ access: [access], path }: DeclaredRoute): Capability | undefined {
  if (access?.kind !== 'admin' || access.scrape) return undefined;
  return isCommandRoute(path, access.capability) ? access.capability : undefined;
}
