export { LoadWatch } from './load-watch.js';
