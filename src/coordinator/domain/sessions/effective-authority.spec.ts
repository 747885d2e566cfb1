import { describe, expect, it } from '@jest/globals';
import { sessionRecord } from '../../../../test/support/runtime-records.js';
import { effectiveAuthority } from './effective-authority.js';

const root = sessionRecord('ses_root');
const none = sessionRecord('ses_none', { authority: 'none' }, root);
const narrowed = sessionRecord('ses_narrow', { authority: 'narrowed', delegation: 'del_1' }, root);

describe('what authority a session really has', () => {
  it.each([
    ['a root inherits its application’s', [root], true, 'inherit'],
    ['below none there is none', [root, none, sessionRecord('s', {}, none)], true, 'none'],
    ['below a narrowed session it is narrowed', [root, narrowed, sessionRecord('s', {}, narrowed)], true, 'narrowed'],
    ['[T2] a narrowed session whose edge has ended holds nothing', [root, narrowed], false, 'none'],
    ['[T2] and so does what inherits from it', [root, narrowed, sessionRecord('s', {}, narrowed)], false, 'none'],
  ] as const)('%s', (_name, path, live, authority) => {
    expect(effectiveAuthority(path, () => live)).toBe(authority);
  });
});
