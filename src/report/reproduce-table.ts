import type { Rate } from '../metrics/interval.ts';
import { percent } from './format.ts';
import { attacksOf, DEFENSES, pooled, seedsOf, type ReproduceRecord } from './reproduce.ts';

export const ATTACK_NAMES = {
  none: 'clean',
  baseline: 'baseline attack',
  'pruning-aware': 'pruning-aware attack',
} as const;

/**
 * The paper's table for a terminal: a network a line, a defense a column, in each cell clean accuracy
 * and attack success in percent, all seeds counted together.
 */
export function reproduceTable(record: ReproduceRecord): string {
  const seeds = seedsOf(record);
  const [first] = record.runs;
  const title =
    `${first?.task}, ${first?.source} data, ` +
    `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}: ` +
    'clean accuracy / attack success in %';
  const rows = [
    ['', ...DEFENSES],
    ...attacksOf(record).map((attack) => [
      ATTACK_NAMES[attack],
      ...DEFENSES.map((defense) => cell(pooled(record, attack, defense))),
    ]),
  ];
  const widths = DEFENSES.map(() => 18);
  const lines = rows.map(([name = '', ...cells]) =>
    [name.padEnd(22), ...cells.map((text, i) => text.padEnd(widths[i] ?? 0))].join('').trimEnd(),
  );
  return `${title}\n\n${lines.join('\n')}\n`;
}

function short(rate: Rate): string {
  return percent(rate.rate).replace('%', '');
}

function cell(rates: { readonly acc: Rate; readonly asr: Rate } | undefined): string {
  return rates ? `${short(rates.acc)} / ${short(rates.asr).padStart(6)}` : '-';
}
