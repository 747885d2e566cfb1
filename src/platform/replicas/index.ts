export { Replicas, type Replica } from './replicas.js';
