/** No slug that anyone can register. */
export const CONTROL_SLUG = '_control';
/** How the control resource is stored; clients know it by the address of control invoke, which depends on the server's own. */
export const CONTROL_IDENTIFIER = 'urn:caracal:control';

/** True for the built-in resource whose scopes are the administrative commands. */
export function isControlResource(row: { readonly slug: string }): boolean {
  return row.slug === CONTROL_SLUG;
}

/** What clients call the resource: the audience of its tokens (RFC 8707 §2). */
export function publicIdentifier(
  row: { readonly slug: string; readonly identifier: string },
  controlUrl: string,
): string {
  return isControlResource(row) ? controlUrl : row.identifier;
}
