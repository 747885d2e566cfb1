const TOKEN = /"(?:[^"\\]|\\.)*"|\/\/[^\n\r]*|\w+|&&|\|\||[=!<>]=|[()[\]{}.,;@<>!+*-]/gs;
/** What a step costs of the engine's stack, in parts of the budget. */
const LEVEL = 4;
const STEP = 2;
const COST: Readonly<Record<string, number>> = { '&&': STEP, '||': STEP, when: STEP, unless: STEP };
const BUDGET = 96;

/** Kept until the level ends or a sibling begins, and until the operand ends. */
interface Level {
  kept: number;
  operand: number;
}

const SIBLING = new Set([',', '@']);
const NEW_OPERAND = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', 'has', 'like', 'is', 'then', 'else']);
const DEEPER = new Set(['.', '+', '-', '*', '!']);

export const DEPTH_RULE = `must not be nested deeper than ${BUDGET / LEVEL} levels of brackets, nor have more than ${BUDGET / STEP} operators, conditions or links of && and || in one expression`;

/**
 * Where a policy text nests deeper than the engine is safe with; undefined when it nowhere does. The engine walks expressions by recursion on a small
 * stack, and one that has overflowed answers nothing any more, to nobody. The bound is less than half of what it was seen to bear when its code had been
 * optimized, and keeps what it says in JSON, two levels for each step, below the 128 levels that it reads. It is counted generously, on the text, because
 * parsing is where it would break.
 */
export function tooDeepAt(text: string): number | undefined {
  let levels: Level[] = [newLevel()];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === ';') levels = [newLevel()];
    else if ('([{'.includes(token)) open(levels);
    else if (')]}'.includes(token)) close(levels);
    else count(levels.at(-1) as Level, token);
    if (weight(levels) > BUDGET) return index;
  }
  return undefined;
}

function newLevel(): Level {
  return { kept: 0, operand: 0 };
}

/** A bracket is deeper than what it stands in, and one more step of the operand that it belongs to. */
function open(levels: Level[]): void {
  (levels.at(-1) as Level).operand += LEVEL;
  levels.push(newLevel());
}

function close(levels: Level[]): void {
  if (levels.length > 1) levels.pop();
}

function count(level: Level, token: string): void {
  if (DEEPER.has(token)) level.operand += STEP;
  else if (Object.hasOwn(COST, token)) Object.assign(level, { kept: level.kept + (COST[token] ?? 0), operand: 0 });
  else if (NEW_OPERAND.has(token)) level.operand = 0;
  else if (SIBLING.has(token)) Object.assign(level, newLevel());
  else if (token === 'if') level.kept += STEP;
}

function weight(levels: readonly Level[]): number {
  return levels.reduce((sum, { kept, operand }) => sum + kept + operand, 0);
}
