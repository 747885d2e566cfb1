export { StsModule } from './sts.module.js';
