/**
 * A reason not to start that the operator must remove. `faults` are whole sentences for a terminal, one per line, without any secret;
 * the process prints them and exits with status 1.
 */
export class StartError extends Error {
  override readonly name: string = 'StartError';

  readonly faults: readonly string[];

  constructor(faults: string | readonly string[], options?: ErrorOptions) {
    const lines = typeof faults === 'string' ? [faults] : faults;
    super(lines.join('\n'), options);
    this.faults = lines;
  }
}
