import { percent } from '../page/format.ts';
import type { PrunedSite } from '../../defense/index.ts';

/** A phase of the pruning curve (Fine-Pruning, section 3.1). */
export interface Phase {
  readonly number: 1 | 2 | 3;
  /** Number of pruned units where it begins, and where it ends. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The second phase begins when this share of the fall of attack success is over. */
const BEGUN = 0.1;
/** A smaller fall of attack success is no phase. */
const FALL = 0.1;

/**
 * The three phases of a pruning curve: first units that no input needs; then units that only the
 * backdoor needs, where attack success falls and accuracy does not; then units that clean inputs
 * need. There is a second phase only if attack success was measured and falls before pruning stops.
 */
export function phasesOf({ curve, stop }: Pick<PrunedSite, 'curve' | 'stop'>): Phase[] {
  const last = curve.at(-1)?.pruned ?? 0;
  const kept = curve.filter(({ pruned }) => pruned <= stop.pruned);
  const rates = kept.flatMap(({ pruned, asr }) => (asr && asr.of > 0 ? [{ pruned, asr }] : []));
  const first = rates[0]?.asr.rate ?? 0;
  const lowest = Math.min(first, ...rates.map(({ asr }) => asr.rate));
  const falls = first - lowest >= FALL;
  const threshold = first - BEGUN * (first - lowest);
  const fallen = rates.findIndex(({ asr }) => asr.rate < threshold);
  const begins = falls ? (rates[fallen - 1]?.pruned ?? 0) : stop.pruned;
  const fall = `attack success falls from ${percent(first, 1)} to ${percent(lowest, 1)}, accuracy stays`;
  const phases: Phase[] = [
    {
      number: 1,
      from: 0,
      to: begins,
      text:
        rates.length === 0
          ? 'clean inputs hardly need these units; whether a backdoor does cannot be measured without triggered data'
          : falls
            ? 'neither clean inputs nor the backdoor need these units'
            : 'accuracy stays, and so does attack success: a backdoor, if there is one, is in units that clean inputs need',
    },
    { number: 2, from: begins, to: stop.pruned, text: fall },
    {
      number: 3,
      from: stop.pruned,
      to: last,
      text: 'clean inputs need these units: accuracy falls',
    },
  ];
  return phases.filter(({ from, to }) => to > from);
}
