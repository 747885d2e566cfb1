import type { GrantView } from './views.js';

const NONE: readonly GrantView[] = Object.freeze([]);

/** Grants by id, and by application and resource: what a decision asks for is one look-up, however many grants there are. */
export class GrantIndex {
  private readonly byId = new Map<string, GrantView>();
  private readonly byApplication = new Map<string, Map<string, readonly GrantView[]>>();

  put(grant: GrantView): void {
    this.remove(grant.id);
    this.byId.set(grant.id, grant);
    const resources = this.byApplication.get(grant.application) ?? new Map<string, readonly GrantView[]>();
    this.byApplication.set(grant.application, resources);
    resources.set(grant.resource, Object.freeze([...(resources.get(grant.resource) ?? NONE), grant]));
  }

  remove(id: string): void {
    const grant = this.byId.get(id);
    if (!grant) return;
    this.byId.delete(id);
    const resources = this.byApplication.get(grant.application);
    const left = (resources?.get(grant.resource) ?? NONE).filter((other) => other.id !== id);
    if (left.length > 0) resources?.set(grant.resource, Object.freeze(left));
    else resources?.delete(grant.resource);
    if (resources?.size === 0) this.byApplication.delete(grant.application);
  }

  at(application: string, resource: string): readonly GrantView[] {
    return this.byApplication.get(application)?.get(resource) ?? NONE;
  }

  of(application: string): readonly GrantView[] {
    return [...(this.byApplication.get(application)?.values() ?? [])].flat();
  }

  atResource(resource: string): readonly GrantView[] {
    return [...this.byId.values()].filter((grant) => grant.resource === resource);
  }
}
