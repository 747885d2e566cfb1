import { AppError } from '../../kernel/app-error.js';

/** Throws `conflict` for what is archived: it can be read, and never changes again. */
export function refuseArchived(row: { readonly status: string }): void {
  if (row.status === 'archived') throw new AppError('conflict', 'The object is archived and takes no changes.');
}

/** A stored time after a patch: kept when the patch does not name it, taken away by null. */
export function changedTime(stored: Date | null, patch: number | null | undefined): Date | null {
  if (patch === undefined) return stored;
  return patch === null ? null : new Date(patch);
}
