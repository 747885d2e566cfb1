import { Injectable } from '@nestjs/common';
import { LessThan, MoreThan } from 'typeorm';
import { AppError } from '../../kernel/app-error.js';
import { Database } from '../../platform/database/index.js';
import { foreignCursor, type Page } from '../../platform/http/index.js';
import { PolicyEntity } from './policy.entity.js';
import { PolicySetEntity } from './policy-set.entity.js';

/** Reads policies and sets for administrators. Lists answer one row more than the page, to tell whether there are more. */
@Injectable()
export class PolicyQueries {
  constructor(private readonly database: Database) {}

  policies(zone: string, { limit, cursor }: Page): Promise<PolicyEntity[]> {
    const after = cursor === undefined ? {} : { id: MoreThan(cursor) };
    return this.database.readZone(zone, (tx) =>
      tx.em.getRepository(PolicyEntity).find({ where: { zone, ...after }, order: { id: 'ASC' }, take: limit + 1 }),
    );
  }

  async policy(zone: string, id: string): Promise<PolicyEntity> {
    const policy = await this.database.readZone(zone, (tx) =>
      tx.em.getRepository(PolicyEntity).findOneBy({ zone, id }),
    );
    if (!policy) throw new AppError('not_found', 'There is no such policy.');
    return policy;
  }

  /** Newest first. */
  sets(zone: string, { limit, cursor }: Page): Promise<PolicySetEntity[]> {
    const before = cursor === undefined ? {} : { version: LessThan(versionOf(cursor)) };
    return this.database.readZone(zone, (tx) =>
      tx.em
        .getRepository(PolicySetEntity)
        .find({ where: { zone, ...before }, order: { version: 'DESC' }, take: limit + 1 }),
    );
  }

  async set(zone: string, version: number): Promise<PolicySetEntity> {
    const set = await this.database.readZone(zone, (tx) =>
      tx.em.getRepository(PolicySetEntity).findOneBy({ zone, version }),
    );
    if (!set) throw new AppError('not_found', 'There is no such policy set.');
    return set;
  }
}

function versionOf(cursor: string): number {
  if (!/^[1-9]\d{0,8}$/.test(cursor)) throw foreignCursor();
  return Number(cursor);
}
