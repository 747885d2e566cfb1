/** A session label. */
export const LABEL = /^[A-Za-z0-9_.:/-]{1,64}$/;

export const MOST_ALLOWED_LABELS = 256;
export const LABEL_RULE = 'must be 1–64 of A–Z, a–z, 0–9 and _ . : / -, like tier:gold';
