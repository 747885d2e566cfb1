/** ES2024, which every supported Node has and the ES2023 library does not declare. */
interface WithIsWellFormed {
  isWellFormed(): boolean;
}

/** True when the text holds no lone surrogate, so that it has exactly one UTF-8 form (RFC 7493 §2.1). */
export function isWellFormed(text: string): boolean {
  return (text as unknown as WithIsWellFormed).isWellFormed();
}
