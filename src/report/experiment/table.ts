import { percent } from '../page/format.ts';
import { attacksOf, defensesOf, pooled, seedsOf, type ReproduceRecord } from './record.ts';

export const ATTACK_NAMES = {
  none: 'clean',
  baseline: 'baseline attack',
  'pruning-aware': 'pruning-aware attack',
} as const;

/** Of a detector, in the line below its precision and attack success. */
const BESIDES = '  found / missed';

/** What the paper has of the network in the line above. */
const IN_PAPER = '  in the paper';

/**
 * The paper's table for a terminal: a network a line, a defense a column, in each cell clean accuracy
 * and attack success in percent, all seeds counted together; the paper's own numbers below ours.
 */
export function reproduceTable(record: ReproduceRecord): string {
  const seeds = seedsOf(record);
  const defenses = defensesOf(record);
  const [first] = record.runs;
  const precise = first?.acc.map !== undefined;
  const title =
    `${first?.task}, ${first?.source} data, ` +
    `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}: ` +
    `${precise ? 'mAP at IoU 0.5' : 'clean accuracy'} / attack success in %`;
  const rows = [
    ['', ...defenses],
    ...attacksOf(record).flatMap((attack) => {
      const paper = record.paper?.[attack];
      return [
        [
          ATTACK_NAMES[attack],
          ...defenses.map((defense) => cell(shares(pooled(record, attack, defense)))),
        ],
        ...(precise
          ? [
              [
                BESIDES,
                ...defenses.map((defense) => cell(besides(pooled(record, attack, defense)))),
              ],
            ]
          : []),
        ...(paper ? [[IN_PAPER, ...defenses.map((defense) => cell(paper[defense]))]] : []),
      ];
    }),
  ];
  const widths = defenses.map(() => 18);
  const lines = rows.map(([name = '', ...cells]) =>
    [name.padEnd(22), ...cells.map((text, i) => text.padEnd(widths[i] ?? 0))].join('').trimEnd(),
  );
  return `${title}\n\n${lines.join('\n')}\n`;
}

interface Shares {
  readonly acc: number;
  readonly asr: number;
}

type Rates = ReturnType<typeof pooled>;

function shares(rates: Rates): Shares | undefined {
  return rates && { acc: rates.acc.map ?? rates.acc.rate, asr: rates.asr.rate };
}

/** Of a detector, what there is beside its average precision and attack success. */
function besides(rates: Rates): Shares | undefined {
  return rates?.missed && { acc: rates.acc.rate, asr: rates.missed.rate };
}

function cell(both: Shares | undefined): string {
  return both ? `${short(both.acc)} / ${short(both.asr).padStart(6)}` : '-';
}

function short(share: number): string {
  return percent(share).replace('%', '');
}
