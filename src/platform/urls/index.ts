export { PublicUrls } from './public-urls.js';
