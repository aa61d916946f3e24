import { type Goal, isReached, type Measured, type Row } from './row.ts';

/** A row with what it came to, or why it came to nothing. */
export interface Result {
  row: Row;
  measured?: Measured;
  error?: string;
}

/** The table of a run as lines of Markdown, with the notes below it. */
export function tableOf(results: Result[]): string {
  const head = ['id', 'what', 'value', 'against', 'its value', 'ratio', 'goal', 'verdict'];
  const lines = results.map(({ row, measured, error }) => [
    row.id,
    row.what,
    measured === undefined ? '–' : amount(measured.value, row.unit),
    row.against,
    measured?.base === undefined ? '' : amount(measured.base, row.unit),
    measured?.ratio === undefined ? '' : measured.ratio.toFixed(2),
    goalText(row.goal, row.unit),
    error === undefined ? verdict(row, measured) : 'error',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const print = (cells: string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const notes = results.flatMap(({ row, measured, error }) =>
    [...(measured?.notes ?? []), ...(error === undefined ? [] : [error])].map(
      (note) => `- ${row.id}: ${note}`,
    ),
  );
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [print(head), rule, ...lines.map(print), '', ...notes, ''].join('\n');
}

/** The same for programs. */
export function jsonOf(results: Result[], run: Record<string, unknown>): string {
  const rows = results.map(({ row, measured, error }) => ({
    id: row.id,
    what: row.what,
    against: row.against,
    unit: row.unit,
    goal: row.goal,
    ...measured,
    reached: measured !== undefined && isReached(row.goal, measured),
    ...(error !== undefined && { error }),
  }));
  return `${JSON.stringify({ ...run, rows }, undefined, 2)}\n`;
}

function verdict(row: Row, measured: Measured | undefined): string {
  return measured !== undefined && isReached(row.goal, measured) ? 'reached' : 'missed';
}

function goalText({ ratio, atLeast, atMost }: Goal, unit: string): string {
  return [
    ratio === undefined ? [] : `≥ ${ratio}×`,
    atLeast === undefined ? [] : `≥ ${amount(atLeast, unit)}`,
    atMost === undefined ? [] : `≤ ${amount(atMost, unit)}`,
  ]
    .flat()
    .join(', ');
}

function amount(value: number, unit: string): string {
  const number = value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
  return unit.startsWith('/') ? `${number}${unit}` : `${number} ${unit}`;
}
