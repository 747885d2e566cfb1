import type { ConfigKind } from '../domain/config/config-plan.js';
import type { CreateGrantDto } from '../http/dto/grant.dto.js';
import type { CreateResourceDto } from '../http/dto/resource.dto.js';

interface Known {
  readonly kind: ConfigKind;
  readonly zone: string;
  readonly key: string;
  readonly id: string;
}

/** Finds the ids behind the names that a configuration uses; what it does not know is handed on as it is and refused where it is used. */
export class IdsByName {
  private readonly ids = new Map<string, string>();

  constructor(known: readonly Known[]) {
    for (const one of known) this.add(one);
  }

  add({ kind, zone, key, id }: Known): void {
    this.ids.set(`${kind} ${zone} ${key}`, id);
  }

  inResource(zone: string, body: CreateResourceDto): CreateResourceDto {
    const { provider, server_application: server } = body;
    return Object.assign(Object.create(Object.getPrototypeOf(body) as object) as CreateResourceDto, body, {
      ...(provider ? { provider: this.id('provider', zone, provider) } : {}),
      ...(server ? { server_application: this.id('application', zone, server) } : {}),
    });
  }

  inGrant(zone: string, body: CreateGrantDto): CreateGrantDto {
    const application = this.id('application', zone, body.application);
    return { ...body, application, resource: this.id('resource', zone, body.resource) };
  }

  private id(kind: ConfigKind, zone: string, name: string): string {
    return this.ids.get(`${kind} ${zone} ${name}`) ?? name;
  }
}
