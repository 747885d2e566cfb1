import { OAuthError } from '../../kernel/oauth-error.js';
import { parseScope, type ScopeSet } from '../../kernel/scopes.js';

/** A decoded form: every value sent under a name. */
export interface FormValues {
  values(name: string): readonly string[];
}

/** The parameters an endpoint or grant reads; whatever is in neither list is ignored (RFC 6749 §3.2). */
export interface ParameterNames {
  readonly single: readonly string[];
  readonly repeatable: readonly string[];
}

/**
 * The parameters of one request. Guarantees that a single-valued parameter was sent at most once (RFC 6749 §3.2) and that a parameter sent
 * without a value counts as omitted.
 */
export class Parameters {
  private readonly values = new Map<string, readonly string[]>();

  constructor(form: FormValues, names: ParameterNames) {
    for (const name of names.single) {
      if (form.values(name).length > 1) throw new OAuthError('invalid_request', `${name} is repeated`);
    }
    for (const name of [...names.single, ...names.repeatable]) {
      this.values.set(
        name,
        form.values(name).filter((value) => value !== ''),
      );
    }
  }

  one(name: string): string | undefined {
    return this.values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** Throws `invalid_request` when the parameter is missing. */
  required(name: string): string {
    const value = this.one(name);
    if (value === undefined) throw new OAuthError('invalid_request', `${name} is required`);
    return value;
  }

  /** The `scope` asked for; undefined when omitted. Throws `invalid_scope` when malformed (RFC 6749 §3.3, §5.2). */
  scope(): ScopeSet | undefined {
    const text = this.one('scope');
    if (text === undefined) return undefined;
    const scope = parseScope(text);
    if (!scope) throw new OAuthError('invalid_scope', 'scope is malformed');
    return scope;
  }

  /** The `lifetime` asked for in seconds; undefined when omitted. */
  lifetime(): number | undefined {
    const text = this.one('lifetime');
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new OAuthError('invalid_request', 'lifetime is not a number of seconds');
    return Number(text);
  }
}
