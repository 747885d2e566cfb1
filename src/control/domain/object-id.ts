const OBJECT_ID = /^[a-z]{3}_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** True for a text that could be the id of an object of a zone. What is none need not be looked for. */
export function isObjectId(text: string): boolean {
  return OBJECT_ID.test(text);
}
