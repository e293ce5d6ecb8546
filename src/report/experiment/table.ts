import { percent } from '../page/format.ts';
import {
  attacksOf,
  attackTitle,
  defensesOf,
  pooled,
  seedsOf,
  type ExperimentRecord,
} from './record.ts';

/** A further line for detectors, below mean average precision and attack success. */
const FOUND = '  found / missed';

/** The line for the results of the paper. */
const IN_PAPER = '  in the paper';

/**
 * The table of the paper for a terminal: a network per line, a defense per column. Cells have clean
 * accuracy and attack success in percent, all seeds together. The results of the paper are below ours.
 */
export function experimentTable(record: ExperimentRecord): string {
  const seeds = seedsOf(record);
  const defenses = defensesOf(record);
  const [first] = record.runs;
  const detector = first?.acc.map !== undefined;
  const title =
    `${first?.task}, ${first?.source} data, ` +
    `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}: ` +
    `${detector ? 'mAP at IoU 0.5' : 'clean accuracy'} / attack success in %`;
  const rows = [
    ['', ...defenses],
    ...attacksOf(record).flatMap((attack) => {
      const paper = record.paper?.[attack];
      return [
        [
          attackTitle(attack),
          ...defenses.map((defense) => cell(shares(pooled(record, attack, defense)))),
        ],
        ...(detector
          ? [
              [
                FOUND,
                ...defenses.map((defense) => cell(foundAndMissed(pooled(record, attack, defense)))),
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

/** Of a detector: the objects that it finds, and the triggered ones that it misses. */
function foundAndMissed(rates: Rates): Shares | undefined {
  return rates?.missed && { acc: rates.acc.rate, asr: rates.missed.rate };
}

function cell(shares: Shares | undefined): string {
  return shares ? `${bare(shares.acc)} / ${bare(shares.asr).padStart(6)}` : '-';
}

/** Percent without the sign. */
function bare(share: number): string {
  return percent(share).replace('%', '');
}
