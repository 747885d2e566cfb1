import { isSensitiveKey, SENSITIVE_ENDINGS } from './sensitive-keys.js';

export const REDACTED = '[redacted]';

/** Longer texts are cut before they are searched: log lines are made of what strangers send. */
const MAX_TEXT = 32 * 1024;

/** Between a name and its value: a colon or equals sign, perhaps among quotes (escaped ones too, for JSON inside a text). */
const JOIN = '[-_]*\\\\*["\']?\\s*[:=]\\s*\\\\*["\']?';
/** Up to the closing quote when there is an opening one, else one word. */
const VALUE = '(?!\\[redacted\\])(?:(?<=["\'])[^"\'\\\\]+|[^\\s"\'\\\\&,;})\\]]+)';

/**
 * In this order: a later pattern must not hide from an earlier one what belongs to a longer secret. None begins with a run of unbounded
 * length, so that no text makes the search quadratic.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{1,64}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,64}-----|$)/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}/g, REDACTED],
  [/\b(Bearer|DPoP|Basic)(\s{1,9})(?![\w-]{1,64}=["'\\])[A-Za-z0-9._~+/-]{8,}=*/gi, `$1$2${REDACTED}`],
  [/(:\/\/[^\s:@/"']{0,256}):[^\s"'<>]{1,1024}@/g, `$1:${REDACTED}@`],
  [/((?:authorization|cookie)\\*["']?\s{0,9}[:=]\s{0,9}\\*["']?)[^\r\n"'\\]+/gi, `$1${REDACTED}`],
  [new RegExp(`((?:${SENSITIVE_ENDINGS})${JOIN})${VALUE}`, 'gi'), `$1${REDACTED}`],
  [/\b(?:cat|ccs|whsec)_[A-Za-z0-9+/=_-]{8,}/g, REDACTED],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, REDACTED],
  [/\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}/g, REDACTED],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|npm_[A-Za-z0-9]{30,})/g, REDACTED],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, REDACTED],
  [/\bxox[a-z]-[A-Za-z0-9-]{8,}/g, REDACTED],
  [/\bAIza[\w-]{30,}/g, REDACTED],
];

/** A text, or a line of JSON, without any of these holds nothing that redaction would change. */
const SUSPICIOUS = new RegExp(
  [
    `(?:${SENSITIVE_ENDINGS})[-_]*\\\\*["']?\\s*[:=]`,
    '-----BEGIN',
    'eyJ',
    '(?:bearer|dpop|basic)(?:\\s|\\\\)',
    '://[^\\s"]{0,1300}@',
    '(?:cat|ccs|whsec|gh[pousr]|github_pat|npm|sk|rk|pk)_',
    'sk-|glpat-|AKIA|ASIA|xox|AIza',
  ].join('|'),
  'i',
);

/** Whether redaction may have something to do; most lines of a busy server are told apart by this one look. */
export function mayHoldSecret(text: string): boolean {
  return SUSPICIOUS.test(text);
}

/**
 * The text without what looks like a credential: PEM blocks, JWTs, authorization values, passwords in URLs and `name=value` pairs, vendors'
 * keys and our own. It hides too much rather than too little. A secret without any such mark is not recognised.
 */
export function redactText(text: string): string {
  if (!mayHoldSecret(text)) return text;
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… [cut]` : text;
  return PATTERNS.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), bounded);
}

/** A copy of a JSON value with every sensitive member hidden and every text redacted. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [redactText(key), redactMember(key, member)]));
}

function redactMember(key: string, value: unknown): unknown {
  if (!isSensitiveKey(key)) return redactValue(value);
  return value === null || typeof value === 'boolean' ? value : REDACTED;
}
