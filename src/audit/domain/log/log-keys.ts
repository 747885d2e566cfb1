import type { KeyObject } from 'node:crypto';
import type { SignedCheckpoint } from './checkpoint.js';
import { NoteError, openNote, parseVerifierKey, signNote, type NoteVerifier } from './signed-note.js';

/** The keys of one log by which a reader verifies: the newest first, then those that came before it. */
export type LogVerifiers = readonly [NoteVerifier, ...NoteVerifier[]];

/** A key that a log was signed with until another took its place; named as on the wire. */
export type RetiredKey = {
  readonly vkey: string;
  /** A note with which the key, before it was put away, named the one that signs after it. */
  readonly handover: string;
};

/** Two lines, so that it can never be taken for a checkpoint, which has three. */
const HANDOVER = /^caracal-log-key\/v1\n([^\n]+)\n$/;

/** Reads verifier keys, newest first, all of one log. Throws {@link NoteError}. */
export function parseVerifierKeys(vkeys: readonly string[]): LogVerifiers {
  const [first, ...others] = vkeys.map(parseVerifierKey);
  if (!first || others.some(({ name }) => name !== first.name))
    throw new NoteError('the verifier keys are not those of one log');
  return [first, ...others];
}

/** What the key of a log says of the one that takes its place. */
export function signHandover(
  successor: string,
  { name, key }: { readonly name: string; readonly key: KeyObject },
): string {
  return signNote(`caracal-log-key/v1\n${successor}\n`, { name, key });
}

/** The verifier key that one of `verifiers` has named as the log's next. Throws {@link NoteError}. */
export function openHandover(note: string, verifiers: readonly NoteVerifier[]): string {
  const { text, signer } = openNote(note, verifiers);
  const [, successor] = HANDOVER.exec(text) ?? [];
  if (successor === undefined || parseVerifierKey(successor).name !== signer.name)
    throw new NoteError('malformed handover of a log’s key');
  return successor;
}

/**
 * `trusted`, and before them each key that the newest one known by then has named as its successor; `retired` in the order in which keys were
 * put away. What an older key names adds nothing: its successor is known already. Throws {@link NoteError} for a malformed handover.
 */
export function followHandovers(trusted: LogVerifiers, retired: readonly RetiredKey[]): LogVerifiers {
  return retired.reduce<LogVerifiers>((known, { vkey, handover }) => {
    const [newest] = known;
    return isSame(newest, parseVerifierKey(vkey))
      ? [parseVerifierKey(openHandover(handover, [newest])), ...known]
      : known;
  }, trusted);
}

/** `verifiers`, and behind them the retired keys of the same log that are not among them, newest first. Throws {@link NoteError}. */
export function withRetired(verifiers: LogVerifiers, retired: readonly RetiredKey[]): LogVerifiers {
  const others = retired.map(({ vkey }) => parseVerifierKey(vkey)).toReversed();
  if (others.some(({ name }) => name !== verifiers[0].name))
    throw new NoteError('a retired key is not one of this log');
  return [...verifiers, ...others.filter((other) => !verifiers.some((one) => isSame(one, other)))];
}

/** The smallest checkpoint that is signed with an older key than a smaller one is: keys are replaced once and never come back. */
export function signedOutOfTurn<C extends SignedCheckpoint>(
  checkpoints: readonly C[],
  verifiers: LogVerifiers,
): C | undefined {
  const aged = checkpoints.map((checkpoint) => ({ checkpoint, age: ageOf(checkpoint.signer, verifiers) }));
  const inOrder = aged.toSorted((a, b) => a.checkpoint.size - b.checkpoint.size || b.age - a.age);
  return inOrder.find(({ age }, at) => age > (inOrder[at - 1]?.age ?? age))?.checkpoint;
}

/** How many of the keys are newer than the signer's. */
export function ageOf(signer: NoteVerifier, verifiers: LogVerifiers): number {
  return verifiers.findIndex((one) => isSame(one, signer));
}

function isSame(one: NoteVerifier, other: NoteVerifier): boolean {
  return one.name === other.name && one.key.equals(other.key);
}
