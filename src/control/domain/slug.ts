/** What the database accepts as a slug as well: 1–63 of a–z, 0–9 and inner hyphens, so that it can stand in a URL and in a host name. */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST = 63;

export const SLUG_RULE = 'must be 1–63 of a–z, 0–9 and -, not at either end, like billing-api';

/** True for a slug. It says nothing about whether it is still free: slugs are never reused. */
export function isSlug(text: unknown): text is string {
  return typeof text === 'string' && SLUG.test(text);
}

/** A slug that resembles a name, leaving room for a suffix; `fallback` when nothing of the name can stand in one. */
export function slugify(name: string, fallback: string): string {
  const folded = name.normalize('NFKD').toLowerCase();
  const words = folded
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MOST - 8)
    .replace(/^-+|-+$/g, '');
  return words === '' ? fallback : words;
}
