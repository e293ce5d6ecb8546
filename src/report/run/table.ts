import { interval, percent } from '../page/format.ts';
import type { Rate } from '../../metrics/interval.ts';
import type { NamedEvaluation } from './record.ts';

const COLUMNS = [
  { key: 'acc', title: 'clean accuracy' },
  { key: 'asr', title: 'attack success' },
  { key: 'ra', title: 'robust accuracy' },
  { key: 'missed', title: 'missed' },
] as const;

/**
 * The evaluations as a table for a terminal, one line per method. A rate is written as
 * `99.12% [98.9, 99.3] 9912/10000`, or as `-` if it counts no sample. Columns without a rate are
 * left out.
 *
 * @param options - `color` sets the header in bold
 */
export function evaluationTable(
  evaluations: readonly NamedEvaluation[],
  { color = false }: { color?: boolean | undefined } = {},
): string {
  const precisions = evaluations.map(({ evaluation: { acc } }) => acc.map);
  const columns = [
    ['method', ...evaluations.map(({ method }) => method)],
    ...(precisions.some((map) => map !== undefined)
      ? [['mAP at IoU 0.5', ...precisions.map((map) => (map === undefined ? '-' : percent(map)))]]
      : []),
    ...COLUMNS.filter(({ key }) => evaluations.some(({ evaluation }) => evaluation[key])).map(
      ({ key, title }) => [title, ...rates(evaluations.map(({ evaluation }) => evaluation[key]))],
    ),
  ].map(padEnd);
  const rows = columns[0]!.map((_, row) => columns.map((column) => column[row]).join('   '));
  const [header = '', ...body] = rows.map((row) => row.trimEnd());
  return [color ? `\u001B[1m${header}\u001B[22m` : header, ...body].join('\n') + '\n';
}

/** The cells of a column, in which percentages and counts are aligned by their last digit. */
function rates(column: readonly (Rate | undefined)[]): string[] {
  const present = column.filter((rate) => rate !== undefined && rate.of > 0) as Rate[];
  const share = padStart(present.map((rate) => percent(rate.rate)));
  const range = padEnd(present.map(interval));
  const count = padStart(present.map((rate) => `${rate.hits}/${rate.of}`));
  const cells = present.map((_, i) => `${share[i]} ${range[i]} ${count[i]}`);
  let next = 0;
  return column.map((rate) => (rate === undefined || rate.of === 0 ? '-' : cells[next++]!));
}

function padEnd(cells: readonly string[]): string[] {
  const width = Math.max(...cells.map((cell) => cell.length));
  return cells.map((cell) => cell.padEnd(width));
}

function padStart(cells: readonly string[]): string[] {
  const width = Math.max(...cells.map((cell) => cell.length));
  return cells.map((cell) => cell.padStart(width));
}
