import { AppError, type FieldFault } from '../../kernel/app-error.js';

/** Collects what is wrong with a request, so that its sender learns of everything at once. */
export class Faults {
  private readonly found: FieldFault[] = [];

  add(field: string, message: string): void {
    this.found.push({ field, message });
  }

  addAll(faults: readonly FieldFault[]): void {
    this.found.push(...faults);
  }

  list(): readonly FieldFault[] {
    return this.found;
  }

  /** Throws `invalid_request` with every fault when there is one. */
  refuse(): void {
    if (this.found.length > 0) throw invalidRequest(this.found);
  }
}

const MOST_FAULTS = 100;

/** The refusal of a request whose members are at fault. */
export function invalidRequest(errors: readonly FieldFault[]): AppError {
  return new AppError('invalid_request', 'The request is not valid.', { errors: errors.slice(0, MOST_FAULTS) });
}
