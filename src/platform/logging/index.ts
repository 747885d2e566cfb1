export { APP_LOGGER, createLogger, type AppLogger } from './create-logger.js';
export { NestLogger } from './nest-logger.js';
export { redactText, redactValue } from './redact.js';
export type { LogSink } from './redacting-sink.js';
export type { RequestContext } from './request-context.js';
