/** One table for people, and whether each goal was reached. */

const LOWER_IS_BETTER = new Set(['ms', 'MiB']);

/** True, false, or undefined when the row has no goal. */
export function reached({ value, unit, ratio, goal, latency }) {
  const demands = [
    goal.ratio === undefined ? undefined : ratio >= goal.ratio,
    goal.atLeast === undefined ? undefined : value >= goal.atLeast,
    goal.atMost === undefined ? undefined : LOWER_IS_BETTER.has(unit) && value <= goal.atMost,
    goal.addedP50 === undefined ? undefined : latency.added.p50 <= goal.addedP50,
    goal.addedP99 === undefined ? undefined : latency.added.p99 <= goal.addedP99,
  ].filter((demand) => demand !== undefined);
  return demands.length === 0 ? undefined : demands.every(Boolean);
}

const number = (value) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value < 10 ? 2 : 1);

function goalText({ ratio, atLeast, atMost, addedP50, addedP99 }, unit) {
  return [
    ratio === undefined ? [] : `≥ ${ratio} ×`,
    atLeast === undefined ? [] : `≥ ${number(atLeast)} ${unit}`,
    atMost === undefined ? [] : `≤ ${number(atMost)} ${unit}`,
    addedP50 === undefined ? [] : `p50 +${addedP50} ms`,
    addedP99 === undefined ? [] : `p99 +${addedP99} ms`,
  ]
    .flat()
    .join(', ');
}

function cells(row) {
  const { latency } = row;
  const verdict = { true: 'yes', false: 'NO', undefined: '' }[String(reached(row))];
  return [
    row.title,
    `${number(row.value)} ${row.unit}`,
    row.ruler === undefined ? '' : `${row.ruler} ${number(row.rulerValue)} ${row.unit}`,
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} ×`,
    latency === undefined ? '' : `${number(latency.subject.p50)} / ${number(latency.subject.p99)} ms`,
    latency === undefined ? '' : `+${number(latency.added.p50)} / +${number(latency.added.p99)} ms`,
    goalText(row.goal, row.unit),
    verdict,
  ];
}

const HEAD = [
  'scenario',
  'result',
  'ruler, same run',
  'ratio',
  'p50 / p99 at half load',
  'added to ruler',
  'goal',
  'reached',
];

export function table(rows) {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const draw = (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const notes = rows.filter((row) => row.note).map((row) => `${row.title}: ${row.note}`);
  return [
    draw(HEAD),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...lines.slice(1).map(draw),
    '',
    ...notes,
  ].join('\n');
}
