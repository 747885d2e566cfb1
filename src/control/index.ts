export { ControlModule } from './control.module.js';
export { CONTROL_ENTITIES } from './persistence/entities/control-entities.js';
export { Catalogue } from './catalogue/catalogue.js';
export { ProviderSecrets } from './catalogue/provider-secrets.js';
export { CONTROL_DECISION, type ControlDecision, type ControlQuestion } from './invoke/ports.js';
export { KillSwitch, type EndedBy } from './kill-switch.js';
export type {
  ApplicationView,
  CredentialView,
  GrantView,
  ProviderView,
  ResourceView,
  ZoneView,
} from './catalogue/views.js';
export { tightestLimits, type SessionLimits } from './domain/session-limits.js';
