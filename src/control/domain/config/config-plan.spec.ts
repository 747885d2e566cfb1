import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { configPlan, type ConfigItem, type CurrentItem } from './config-plan.js';

const item = (key: string, body: object): ConfigItem => ({ kind: 'application', zone: 'a', key, body: { ...body } });
const there = (key: string, body: object): CurrentItem => ({ ...item(key, body), id: `app_${key}` });

describe('the plan of a configuration', () => {
  it('makes what is missing and changes what differs, and nothing else', () => {
    const plan = configPlan(
      [item('new', { name: 'New' }), item('same', { name: 'Same' }), item('other', { name: 'After' })],
      [there('same', { name: 'Same', limits: {} }), there('other', { name: 'Before', limits: {} }), there('left', {})],
    );
    expect(plan).toEqual([
      { op: 'create', kind: 'application', zone: 'a', key: 'new', id: null, before: null, after: { name: 'New' } },
      {
        op: 'update',
        kind: 'application',
        zone: 'a',
        key: 'other',
        id: 'app_other',
        before: { name: 'Before', limits: {} },
        after: { name: 'After', limits: {} },
      },
    ]);
  });

  it('[T5] shows no secret, and takes one that is given for a new one', () => {
    const plan = configPlan([item('p', { secret: { value: 'hunter2' } })], [there('p', {})]);
    expect(plan).toMatchObject([{ op: 'update', after: { secret: '[new]' } }]);
    expect(JSON.stringify(plan)).not.toContain('hunter2');
  });

  it('is empty for what is there', () => {
    const bodies = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uuid(), bodies)), (objects) => {
        const current = objects.map(([key, body]) => there(key, body));
        expect(configPlan(current, current)).toEqual([]);
      }),
    );
  });
});
