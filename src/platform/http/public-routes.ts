/**
 * Every route that anyone may call, reviewed by hand. The process refuses to start when this list and the routes that
 * declare `@Public()` differ, in either direction.
 */
export const PUBLIC_ROUTES: readonly string[] = [
  'GET /health/live',
  'GET /health/ready',
  'GET /openapi.json',
  'GET /docs',
  'GET /problems/:code',
  'GET /.well-known/oauth-authorization-server/z/:zone',
  'GET /.well-known/openid-configuration/z/:zone',
  'GET /z/:zone/.well-known/oauth-authorization-server',
  'GET /z/:zone/.well-known/openid-configuration',
  'GET /z/:zone/jwks.json',
  'GET /oauth2/callback',
  'GET /z/:zone/oauth2/authorize',
  'GET /.well-known/oauth-protected-resource/g/:zone/:slug',
  'GET /log/:zone/checkpoint',
  'GET /log/:zone/tile/*',
];
