const REDACTED = '[redacted]';

/**
 * A value that no log line, JSON document, template string or inspector shows. Only `reveal()` gives it out.
 * It does not keep the value out of a heap dump, nor what `reveal()` returned out of a log.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
