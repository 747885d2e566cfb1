/** One message of the server, without its continuation lines. */
export interface ServerMessage {
  readonly severity: string;
  readonly text: string;
}

const MESSAGE = /^([A-Z]+[0-9]?):\s+(.*)$/;
const SERIOUS = new Set(['FATAL', 'PANIC']);

/** Splits what a server wrote so far into whole lines and the rest that may still grow. */
export function splitLines(text: string): { readonly lines: string[]; readonly rest: string } {
  const lines = text.split('\n');
  return { rest: lines.pop() ?? '', lines: lines.filter((line) => line.trim() !== '') };
}

/** Reads a line of the server's log; a line without severity is what a library or the loader wrote. */
export function parseServerLine(line: string): ServerMessage {
  const [, severity, text] = MESSAGE.exec(line) ?? [];
  return severity !== undefined && text !== undefined ? { severity, text } : { severity: 'LOG', text: line.trim() };
}

/** Whether a person may want to know. */
export function isSerious(message: ServerMessage): boolean {
  return SERIOUS.has(message.severity);
}
