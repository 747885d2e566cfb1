export type BodyKind = 'json' | 'form';

const MEDIA_TYPES: Readonly<Record<BodyKind, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
};
const PARAMETER = /^\s*charset\s*=\s*"?utf-8"?\s*$/i;

/** True when a `Content-Type` names exactly this kind of body, in UTF-8 (RFC 9110 §8.3). */
export function isMediaType(kind: BodyKind, contentType: string): boolean {
  const [type = '', ...parameters] = contentType.split(';');
  return (
    type.trim().toLowerCase() === MEDIA_TYPES[kind] &&
    parameters.every((parameter) => parameter.trim() === '' || PARAMETER.test(parameter))
  );
}
