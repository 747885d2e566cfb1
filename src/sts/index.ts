export { decisionFacts } from './domain/decision-facts.js';
export { StsModule } from './sts.module.js';
