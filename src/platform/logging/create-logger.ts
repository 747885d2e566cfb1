import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino';
import type { AppConfig } from '../config/index.js';
import { redactingSink, type LogSink } from './redacting-sink.js';
import { requestContext } from './request-context.js';

/** DI token of the process's one logger. */
export const APP_LOGGER = Symbol('AppLogger');

export type AppLogger = Logger;

/**
 * The logger: JSON lines on standard output, with the id of the request they belong to, redacted as the last thing that happens to them.
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
      mixin: contextOfLine,
    },
    redactingSink(sink),
  );
}

function standardOutput(): LogSink {
  return pino.destination({ dest: 1, sync: false });
}

function contextOfLine(): Record<string, string> {
  const context = requestContext();
  return context ? { requestId: context.requestId } : {};
}
