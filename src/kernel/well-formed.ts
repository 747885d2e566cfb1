const LONE_SURROGATE = /\p{Surrogate}/u;

/** True when the text holds no lone surrogate, so that it has exactly one UTF-8 form (RFC 7493 §2.1). */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
