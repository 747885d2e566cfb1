import { created, ok, type OAuthScene } from './oauth-scene.js';

export const PERMIT = 'permit(principal, action, resource);';

/** Activates a set of these texts; answers its version. */
export async function activate(scene: OAuthScene, ...texts: readonly string[]): Promise<number> {
  const policies: string[] = [];
  for (const [at, cedar] of texts.entries())
    policies.push(created(await scene.admin('POST', '/policies', { name: `p-${Date.now()}-${at}`, cedar })).id);
  const { version } = created(await scene.admin('POST', '/policy-sets', { policies }));
  ok(await scene.admin('POST', `/policy-sets/${version}/activate`));
  return version;
}

/** A forbid that an approver of this class sets aside. */
export function needs(klass: 'operator' | 'subject' | 'any', action: string, more = ''): string {
  return `@approval("${klass}")${more} forbid(principal, action == Action::"${action}", resource);`;
}
