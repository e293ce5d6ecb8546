import { percent } from '../page/format.ts';
import type { PrunedSite } from '../../defense/index.ts';

/** A stretch of the pruning curve (Fine-Pruning, section 3.1). */
export interface Phase {
  readonly number: 1 | 2 | 3;
  /** Units pruned at its beginning and its end. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** How much of the fall of attack success is over when the second phase begins. */
const BEGUN = 0.1;
/** A fall of attack success below this is no phase. */
const FALL = 0.1;

/**
 * The three phases of a pruning curve: units that nothing uses; units that only the backdoor uses,
 * where attack success falls and accuracy does not; units that clean inputs need. The second is
 * there only where attack success was measured and falls before pruning stops.
 */
export function phasesOf({ curve, stop }: Pick<PrunedSite, 'curve' | 'stop'>): Phase[] {
  const last = curve.at(-1)?.pruned ?? 0;
  const kept = curve.filter(({ pruned }) => pruned <= stop.pruned);
  const rates = kept.flatMap(({ pruned, asr }) => (asr && asr.of > 0 ? [{ pruned, asr }] : []));
  const first = rates[0]?.asr.rate ?? 0;
  const lowest = Math.min(first, ...rates.map(({ asr }) => asr.rate));
  const falls = first - lowest >= FALL;
  const held = first - BEGUN * (first - lowest);
  const fallen = rates.findIndex(({ asr }) => asr.rate < held);
  const begins = falls ? (rates[fallen - 1]?.pruned ?? 0) : stop.pruned;
  const fall = `attack success falls from ${percent(first, 1)} to ${percent(lowest, 1)}, accuracy stays`;
  const phases: Phase[] = [
    {
      number: 1,
      from: 0,
      to: begins,
      text:
        rates.length === 0
          ? 'clean inputs hardly use these units; what a backdoor does there cannot be seen without triggered data'
          : falls
            ? 'neither clean inputs nor the backdoor need these units'
            : 'accuracy stays, and so does the attack: the backdoor, if there is one, is in units that clean inputs use',
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
