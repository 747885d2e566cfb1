import { RE2JS } from 're2js';

/** A longer text fits no pattern: judging it would hold everybody else up. */
const LONGEST_TEXT = 65_536;
const LONGEST_PATTERN = 1_024;

/** Thrown when a text is too long to be judged. Whoever asks must refuse: under a `not`, false would let it through. */
export class TextTooLongError extends Error {
  override readonly name = 'TextTooLongError';

  constructor() {
    super(`a text of more than ${LONGEST_TEXT} characters fits no pattern`);
  }
}

/**
 * A pattern as JSON Schema means it (ECMA-262 with `u`, found anywhere in the text), matched in a time that grows with the text and no faster: by
 * an automaton, not by trying. Throws SyntaxError for what no automaton can do (look-around, back references) and for what is no such pattern.
 */
export class LinearPattern {
  private readonly automaton: RE2JS;

  constructor(private readonly source: string) {
    if (source.length > LONGEST_PATTERN)
      throw new SyntaxError(`a pattern must be at most ${LONGEST_PATTERN} characters`);
    // What only RE2 would take is refused: it is not what the standard says.
    void new RegExp(source, 'u');
    this.automaton = automatonOf(source);
  }

  test(text: string): boolean {
    if (text.length > LONGEST_TEXT) throw new TextTooLongError();
    return this.automaton.test(text);
  }

  toString(): string {
    return `/${this.source}/u`;
  }
}

function automatonOf(source: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(inWordsOfRe2(source)));
  } catch (error) {
    throw new SyntaxError(`a pattern that cannot be matched in linear time: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** `\s` of ECMA-262 §22.2.2.9 without its backslash, inside brackets. RE2's is shorter. */
const SPACES = String.raw`\t\n\x{b}\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NO_LINE_END = String.raw`[^\n\r\x{2028}\x{2029}]`;
/** One element of a pattern: an escape, or a character. */
const ELEMENT = /\\(?:u\{[^}]*\}|[^])|[^]/gu;

/** The few things that the two read differently, said so that both mean the same. */
function inWordsOfRe2(source: string): string {
  let inBrackets = false;
  return source.replace(ELEMENT, (element) => {
    const outside = !inBrackets;
    if (element === '[') inBrackets = true;
    else if (element === ']') inBrackets = false;
    return outside ? outsideBrackets(element) : insideBrackets(element);
  });
}

function outsideBrackets(element: string): string {
  switch (element) {
    case '.':
      return NO_LINE_END;
    case String.raw`\s`:
      return `[${SPACES}]`;
    case String.raw`\S`:
      return `[^${SPACES}]`;
    default:
      return element;
  }
}

function insideBrackets(element: string): string {
  switch (element) {
    case String.raw`\s`:
      return SPACES;
    case String.raw`\S`:
      throw new SyntaxError(String.raw`\S inside brackets`);
    case String.raw`\b`:
      return String.raw`\x{8}`;
    case '[':
      return String.raw`\[`;
    default:
      return element;
  }
}
