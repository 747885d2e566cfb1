import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino';
import type { AppConfig } from '../config/index.js';
import { redactingSink, type LogSink } from './redacting-sink.js';

/** DI token of the process's one logger. */
export const APP_LOGGER = Symbol('AppLogger');

export type AppLogger = Logger;

/**
 * The logger: JSON lines on standard output, redacted as the last thing that happens to them. Whoever logs for a request names its id: a store
 * that followed each request by itself would cost every await of the process (Node 20's async hooks).
 * Lines are written in the background; those of a killed process may be missing, so it is no place for evidence.
 */
export function createLogger(config: Pick<AppConfig, 'log'>, sink: LogSink = standardOutput()): AppLogger {
  const error = stdSerializers.errWithCause;
  return pino(
    {
      level: config.log.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: error, error, cause: error },
    },
    redactingSink(sink),
  );
}

function standardOutput(): LogSink {
  return pino.destination({ dest: 1, sync: false });
}
