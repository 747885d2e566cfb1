export { HealthModule } from './health.module.js';
export { Readiness, READINESS_REASONS, type ReadinessCheck, type ReadinessReason } from './readiness.js';
