/**
 * A reason not to start that the operator must remove. `faults` are whole sentences for a terminal, one per line, without any secret;
 * the process prints them and exits with status 1.
 */
export class StartError extends Error {
  override readonly name: string = 'StartError';

  constructor(
    readonly faults: readonly string[],
    options?: ErrorOptions,
  ) {
    super(faults.join('\n'), options);
  }
}
