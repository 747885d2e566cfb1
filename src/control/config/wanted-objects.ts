import { AppError } from '../../kernel/app-error.js';
import { isKept } from '../domain/config/config-plan.js';
import { invalidRequest } from '../domain/faults.js';
import { plain, timeOf } from '../http/answers.js';
import type { CreateGrantDto } from '../http/dto/grant.dto.js';
import type { CreateProviderDto } from '../http/dto/provider.dto.js';
import type { CreateResourceDto } from '../http/dto/resource.dto.js';
import type { CreateSubjectIssuerDto } from '../http/dto/subject-issuer.dto.js';
import { newResource, resourceValues } from '../http/resource-values.js';
import { refuseFaulty } from '../providers.js';
import type { ConfigApplicationDto } from './http/config.dto.js';
import { ANY_VERSION, differ, plainly, type Wanted } from './wanted.js';

type Vet = Wanted['vet'];

export function application(zone: string, body: ConfigApplicationDto): Vet {
  const { slug, name, allowed_labels: allowedLabels, expires_at, limits, blueprint } = body;
  const settings = { limits: limits && plain(limits), blueprint: blueprint && plain(blueprint) };
  const values = { name, allowedLabels, ...settings, expiresAt: timeOf(expires_at) };
  return plainly(async ({ call, parts, id }) => {
    if (id === null) return (await parts.applications.create(call, zone, { ...values, slug })).id;
    await parts.applications.patch(call, zone, id, { condition: ANY_VERSION, patch: values });
    return id;
  });
}

export function provider(zone: string, body: CreateProviderDto): Vet {
  const { secret, ...rest } = plain({ ...body });
  const values = secret === undefined || isKept(secret) ? rest : { ...rest, secret };
  return async ({ parts, id }) => {
    if (id === null) {
      if (isKept(secret))
        throw invalidRequest([{ field: 'secret', message: 'must be given: there is none yet that could be kept' }]);
      refuseFaulty(values, '');
    } else if (differ(values.kind, (await parts.providers.get(zone, id)).kind))
      throw new AppError('conflict', 'The kind of a provider does not change.');
    await parts.providers.vet(values.config ?? {});
    const { kind: _kind, ...patch } = values;
    return async (step) => {
      if (step.id === null)
        return (await step.changes.run(step.call, zone, (tx) => step.parts.providers.make(tx, values))).id;
      const { id: known } = step;
      const change = { condition: ANY_VERSION, patch };
      await step.changes.run(step.call, zone, (tx) => step.parts.providers.replace(tx, known, change));
      return known;
    };
  };
}

export function subjectIssuer(zone: string, body: CreateSubjectIssuerDto): Vet {
  const { issuer, audience, algorithms, subject_claim: subjectClaim } = body;
  const input = { issuer, audience, algorithms, subjectClaim };
  return async ({ parts, id }) => {
    if (id === null) await parts.issuers.vet(input);
    else if (differ(subjectClaim, (await parts.issuers.get(zone, id)).subjectClaim))
      throw new AppError(
        'conflict',
        'The claim that names users does not change: other people would have the same names.',
      );
    return async (step) => {
      if (step.id === null)
        return (await step.changes.run(step.call, zone, (tx) => step.parts.issuers.make(tx, input))).id;
      const patch = { audience, algorithms };
      await step.parts.issuers.patch(step.call, zone, step.id, { condition: ANY_VERSION, patch });
      return step.id;
    };
  };
}

export function resource(zone: string, body: CreateResourceDto): Vet {
  return async ({ call, parts, id, providerKind }) => {
    const kind = body.provider ? providerKind(zone, body.provider) : 'none';
    if (id === null) {
      await parts.resources.vet(call, zone, newResource(body), kind);
      return (step) => makeResource(step, zone, body);
    }
    const seen = await parts.resources.vetPatch(call, zone, { id, patch: resourceValues(body), plannedKind: kind });
    if (differ(body.identifier, seen.identifier) || differ(body.enforcement, seen.enforcement))
      throw new AppError('conflict', 'Identifier and enforcement of a resource do not change.');
    return async (step) => {
      const values = resourceValues(step.ids.inResource(zone, body));
      await step.changes.run(step.call, zone, (tx) => step.parts.resources.replace(tx, seen, values), { graph: true });
      return id;
    };
  };
}

async function makeResource(step: Parameters<Awaited<ReturnType<Vet>>>[0], zone: string, body: CreateResourceDto) {
  const input = newResource(step.ids.inResource(zone, body));
  return (await step.changes.run(step.call, zone, (tx) => step.parts.resources.make(tx, input))).id;
}

export function grant(zone: string, body: CreateGrantDto): Vet {
  return plainly(async ({ call, parts, id, ids }) => {
    const { expires_at, ...rest } = plain({ ...ids.inGrant(zone, body) });
    const expiresAt = timeOf(expires_at);
    if (id === null) return (await parts.grants.create(call, zone, { ...rest, expiresAt })).id;
    const { scopes } = rest;
    await parts.grants.patch(call, zone, id, { condition: ANY_VERSION, patch: { scopes, expiresAt } });
    return id;
  });
}
