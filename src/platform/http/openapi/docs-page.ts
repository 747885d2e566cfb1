import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A page that lists the operations of an OpenAPI document: no script, no style, nothing fetched. */
export function docsPage(document: JsonObject): string {
  const rows = operationsOf(document['paths']).map(
    ({ method, path, id, security }) =>
      `<tr><td>${method}</td><td><code>${path}</code></td><td>${id}</td><td>${security}</td></tr>`,
  );
  const head = '<tr><th>Method</th><th>Path</th><th>Operation</th><th>Security</th></tr>';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Caracal API</title></head><body><h1>Caracal API</h1>
<p><a href="openapi.json">OpenAPI 3.1 document</a></p><table>${head}${rows.join('\n')}</table></body></html>`;
}

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly security: string;
}

function operationsOf(paths: JsonValue | undefined): Listed[] {
  return membersOf(paths).flatMap(([path, operations]) =>
    membersOf(operations).map(([method, operation]) => ({
      method: escape(method.toUpperCase()),
      path: escape(path),
      id: escape(textOf(operation, 'operationId')),
      security: escape(JSON.stringify(isJsonObject(operation) ? operation['security'] : [])),
    })),
  );
}

function membersOf(value: JsonValue | undefined): [string, JsonValue][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

function textOf(value: JsonValue, member: string): string {
  const found = isJsonObject(value) ? value[member] : undefined;
  return typeof found === 'string' ? found : '';
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
