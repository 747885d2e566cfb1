import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { JsonObject } from '../../../kernel/json.js';
import { VERSION } from '../../config/index.js';
import { PublicUrls } from '../../urls/index.js';
import { declaredRoutes, type DeclaredRoute } from '../access/check-routes.js';
import { ERROR_RESPONSES, ERROR_SCHEMAS, PARAMETERS, SECURITY_SCHEMES } from './components.js';
import { operationOf, templateOf } from './operation.js';
import { Schemas } from './schemas.js';

const PROSE = `Administration under \`/v1\`, the authorization server and the runtime API of each zone under \`/z/{zone}\`.

The gateway is not described here: \`ANY /g/{zone}/{resource}/{path}\` takes a mandate and forwards the request, whatever it is, to the
resource's upstream when the mandate covers the operation. Errors it makes itself carry \`Caracal-Error\`.`;

/** The OpenAPI 3.1 description of every declared route. Made when it is first asked for. */
@Injectable()
export class OpenApiDocument {
  private made: JsonObject | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly urls: PublicUrls,
  ) {}

  document(): JsonObject {
    return (this.made ??= this.make());
  }

  private make(): JsonObject {
    const schemas = new Schemas();
    const paths = pathsOf(declaredRoutes(this.modules), schemas);
    return {
      openapi: '3.1.0',
      info: {
        title: 'Caracal',
        version: VERSION,
        summary: 'Short-lived, policy-checked, revocable, provable authority for AI agents',
        description: PROSE,
      },
      servers: [{ url: this.urls.base() }],
      paths,
      components: {
        schemas: { ...ERROR_SCHEMAS, ...schemas.all() },
        responses: ERROR_RESPONSES,
        parameters: PARAMETERS,
        securitySchemes: SECURITY_SCHEMES,
      },
    };
  }
}

function pathsOf(routes: readonly DeclaredRoute[], schemas: Schemas): JsonObject {
  const described = routes.filter(({ access }) => access[0]?.kind !== 'page');
  const sorted = described.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const ids = new OperationIds();
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of sorted) {
    const operations = (paths[templateOf(route.path)] ??= {});
    operations[route.method.toLowerCase()] = operationOf(route, ids.next(route.handler), schemas);
  }
  return paths;
}

/** One id per operation; a handler that serves several paths gets a number from the second on. */
class OperationIds {
  private readonly used = new Map<string, number>();

  next(handler: string): string {
    const [controller = '', method = ''] = handler.split('.');
    const name = controller.replace(/Controller$/, '');
    const id = `${name.charAt(0).toLowerCase()}${name.slice(1)}_${method}`;
    const times = (this.used.get(id) ?? 0) + 1;
    this.used.set(id, times);
    return times === 1 ? id : `${id}_${times}`;
  }
}
