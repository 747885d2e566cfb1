/** Every line of a header field as it was received (RFC 9110 §5.2): the parsed headers hide or join all but the first. */
export function headerLines(rawHeaders: readonly string[], name: string): readonly string[] {
  const lines: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) lines.push(rawHeaders[index + 1] as string);
  }
  return lines;
}
