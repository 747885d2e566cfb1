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
export { ApprovalDecisions } from './approvals/approval-decisions.js';
export { ApprovalUse, ApprovalUseError } from './approvals/approval-use.js';
export { ApprovalView } from './approvals/approval-view.js';
export { Holds, type NewHold } from './approvals/holds.js';
export { approvalBody, holdBody } from './domain/approvals/approval-body.js';
export type { Approval, HeldWork } from './domain/approvals/approval.js';
export { OPERATION_SCHEMAS } from './domain/resources/argument-schemas.js';
export type { OperationPredicates, Predicate } from './domain/resources/predicates.js';
export { tightestLimits, type SessionLimits } from './domain/session-limits.js';
