import { call, type TestApp } from './app.js';

/** A JSON schema as the API description writes it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly $ref?: string;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly capability: string | undefined;
  readonly also: string | undefined;
}

export interface Description {
  readonly document: Readonly<Record<string, unknown>>;
  readonly operations: readonly Operation[];
  resolve(schema: Schema): Schema;
}

interface Written {
  readonly operationId: string;
  readonly security: Operation['security'];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
  readonly 'x-capability'?: string;
  readonly 'x-capability-also'?: string;
}

/** What the running server says of itself. */
export async function describedBy(app: TestApp): Promise<Description> {
  const { body: document, status } = await call(app.running.adminUrl ?? app.url, {
    method: 'GET',
    path: '/openapi.json',
  });
  if (status !== 200)
    throw new Error(
      `there is no description: ${JSON.stringify(document)}\n${app
        .logs()
        .split('\n')
        .filter((line) => line.includes('stack'))
        .at(-1)
        ?.slice(0, 400)}`,
    );
  const components = document.components as Record<string, Record<string, unknown>>;
  const at = <T>(ref: string): T => components[ref.split('/')[2] ?? '']?.[ref.split('/')[3] ?? ''] as T;
  const operations = Object.entries(document.paths as Record<string, Record<string, Written>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, written]) => operationOf(method, path, written, at)),
  );
  return { document, operations, resolve: (schema) => (schema.$ref ? at<Schema>(schema.$ref) : schema) };
}

function operationOf(method: string, path: string, written: Written, at: <T>(ref: string) => T): Operation {
  return {
    method: method.toUpperCase(),
    path,
    operationId: written.operationId,
    security: written.security,
    parameters: written.parameters.map((one) => (one.$ref ? at<Parameter>(one.$ref) : one)),
    body: written.requestBody?.content['application/json']?.schema,
    responses: written.responses,
    capability: written['x-capability'],
    also: written['x-capability-also'],
  };
}

/** The path with its parameters filled in. */
export function filled(path: string, parameters: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? 'none'));
}
