import { redactText, redactValue } from './redact.js';
import { SENSITIVE_ENDINGS } from './sensitive-keys.js';

/** Where log lines go, one whole line at a time. */
export interface LogSink {
  write(line: string): void;
}

/** A line without any of these holds nothing that redaction would change; most lines of a busy server are such. */
const SUSPICIOUS = new RegExp(
  [
    `(?:${SENSITIVE_ENDINGS})[-_]*\\\\*["']?\\s*[:=]`,
    '-----BEGIN',
    'eyJ',
    '(?:bearer|dpop|basic)(?:\\s|\\\\)',
    '://[^\\s"]{0,1300}@',
    '(?:cat|ccs|whsec|gh[pousr]|github_pat|npm|sk|rk|pk)_',
    'sk-|glpat-|AKIA|ASIA|xox|AIza',
  ].join('|'),
  'i',
);

/** A sink that nothing secret passes: whatever a line is made of — bindings, messages, errors — is redacted in the line itself. */
export function redactingSink(sink: LogSink): LogSink {
  return {
    write(line: string): void {
      sink.write(SUSPICIOUS.test(line) ? redactLine(line) : line);
    },
  };
}

function redactLine(line: string): string {
  try {
    return `${JSON.stringify(redactValue(JSON.parse(line)))}\n`;
  } catch {
    return `${redactText(line.trimEnd())}\n`;
  }
}
