const MIN_KEY_BYTES = 32;
const MIN_TEXT_LENGTH = 24;
const MIN_DISTINCT = 12;

/**
 * Why these bytes cannot be a key, or undefined: fewer than 32, one value or a short run repeated, counted up or down, or too few different
 * values. Random keys pass, with overwhelming probability. It cannot see that a key was published or shared.
 */
export function keyWeakness(key: Uint8Array): string | undefined {
  if (key.length < MIN_KEY_BYTES) return `is shorter than ${MIN_KEY_BYTES} bytes`;
  return patternIn(key);
}

/** The same for a secret that is used as text, which must have 24 characters. */
export function textWeakness(text: string): string | undefined {
  if (text.length < MIN_TEXT_LENGTH) return `is shorter than ${MIN_TEXT_LENGTH} characters`;
  return patternIn(Buffer.from(text, 'utf8'));
}

function patternIn(bytes: Uint8Array): string | undefined {
  if (isPeriodic(bytes)) return 'repeats itself';
  if (isSequential(bytes)) return 'is a sequence';
  return new Set(bytes).size < MIN_DISTINCT ? 'has too few different bytes' : undefined;
}

function isPeriodic(bytes: Uint8Array): boolean {
  const longest = Math.floor(bytes.length / 2);
  for (let period = 1; period <= longest; period += 1) {
    if (bytes.every((byte, at) => at < period || byte === bytes[at - period])) return true;
  }
  return false;
}

/** True when most steps from one byte to the next are the same step. */
function isSequential(bytes: Uint8Array): boolean {
  const steps = new Map<number, number>();
  for (let at = 1; at < bytes.length; at += 1) {
    const step = ((bytes[at] ?? 0) - (bytes[at - 1] ?? 0)) & 0xff;
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  return Math.max(...steps.values()) > bytes.length / 2;
}
