import { mayHoldSecret, redactText, redactValue } from './redact.js';

/** Where log lines go, one whole line at a time. */
export interface LogSink {
  write(line: string): void;
}

/** A sink that nothing secret passes: whatever a line is made of — bindings, messages, errors — is redacted in the line itself. */
export function redactingSink(sink: LogSink): LogSink {
  return {
    write(line: string): void {
      sink.write(mayHoldSecret(line) ? redactLine(line) : line);
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
