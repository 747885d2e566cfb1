import type { ResourceView } from './views.js';

/** Resources by id, slug and identifier. A slug names one resource forever; an identifier names the active one. */
export class ResourceIndex {
  private readonly byId = new Map<string, ResourceView>();
  private readonly bySlug = new Map<string, ResourceView>();
  private readonly byIdentifier = new Map<string, ResourceView>();
  private listed: readonly ResourceView[] | undefined;

  put(resource: ResourceView): void {
    const before = this.byId.get(resource.id);
    if (before && this.byIdentifier.get(before.identifier)?.id === resource.id)
      this.byIdentifier.delete(before.identifier);
    this.byId.set(resource.id, resource);
    this.bySlug.set(resource.slug, resource);
    if (resource.status === 'active') this.byIdentifier.set(resource.identifier, resource);
    this.listed = undefined;
  }

  id(id: string): ResourceView | undefined {
    return this.byId.get(id);
  }

  slug(slug: string): ResourceView | undefined {
    return this.bySlug.get(slug);
  }

  identifier(identifier: string): ResourceView | undefined {
    return this.byIdentifier.get(identifier);
  }

  active(): readonly ResourceView[] {
    return (this.listed ??= Object.freeze([...this.byIdentifier.values()]));
  }
}
