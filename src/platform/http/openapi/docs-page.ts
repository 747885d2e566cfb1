import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A page that describes the operations of an OpenAPI document: no script, no style, nothing fetched. Each opens to what it takes and answers. */
export function docsPage(document: JsonObject): string {
  const sections = byTag(operationsOf(document)).map(
    ([tag, operations]) => `<h2 id="${escape(tag)}">${escape(tag)}</h2>\n${operations.map(operationPart).join('\n')}`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Caracal API</title></head><body><h1>Caracal API</h1>
<p><a href="openapi.json">OpenAPI 3.1 document</a></p>\n${sections.join('\n')}</body></html>`;
}

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: JsonObject;
  readonly example: JsonValue | undefined;
}

function operationsOf(document: JsonObject): Listed[] {
  return membersOf(document['paths']).flatMap(([path, operations]) =>
    membersOf(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation: isJsonObject(operation) ? operation : {},
      example: exampleOf(operation, document),
    })),
  );
}

function byTag(operations: readonly Listed[]): [string, Listed[]][] {
  const tags = new Map<string, Listed[]>();
  for (const listed of operations) {
    const tag = listOf(listed.operation['tags'])[0];
    const name = typeof tag === 'string' ? tag : 'server';
    tags.set(name, [...(tags.get(name) ?? []), listed]);
  }
  return [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
}

function operationPart({ method, path, operation, example }: Listed): string {
  const security = escape(JSON.stringify(operation['security'] ?? []));
  const capability = operation['x-capability'];
  const rows = [
    ['Operation', escape(textOf(operation['operationId']))],
    ['Security', security + (typeof capability === 'string' ? `, capability <code>${escape(capability)}</code>` : '')],
    ['Parameters', listOf(operation['parameters']).map(parameterName).map(escape).join(', ')],
    [
      'Answers',
      membersOf(operation['responses'])
        .map(([status]) => escape(status))
        .join(', '),
    ],
  ].filter(([, text]) => text !== '');
  const table = rows.map(([name, text]) => `<tr><th>${name}</th><td>${text}</td></tr>`).join('');
  const body = example === undefined ? '' : `<pre>${escape(JSON.stringify(example, null, 2))}</pre>`;
  return `<details><summary>${escape(method)} <code>${escape(path)}</code></summary><table>${table}</table>${body}</details>`;
}

function parameterName(parameter: JsonValue): string {
  if (!isJsonObject(parameter)) return '';
  return textOf(parameter['name']) || (textOf(parameter['$ref']).split('/').at(-1) ?? '');
}

/** The first example of the schema of the JSON body. */
function exampleOf(operation: JsonValue, document: JsonObject): JsonValue | undefined {
  const schema = at(operation, 'requestBody', 'content', 'application/json', 'schema');
  const name = textOf(at(schema, '$ref')).split('/').at(-1) ?? '';
  return listOf(at(document, 'components', 'schemas', name, 'examples'))[0];
}

function at(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((found, name) => (isJsonObject(found) ? found[name] : undefined), value);
}

function membersOf(value: JsonValue | undefined): [string, JsonValue][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
