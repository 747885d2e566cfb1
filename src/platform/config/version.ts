/** What this server calls itself; the same as in package.json, as a test holds. */
export const VERSION = '0.1.0';
