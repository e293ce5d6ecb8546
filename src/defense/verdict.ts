import { scoreDrop, type CleanScore, type Evaluation } from '../metrics/index.ts';
import type { Step } from './steps.ts';

/** Whether a network was repaired. */
export interface Verdict {
  /** Null where nobody can know: there were no triggered data, or the trigger did nothing to begin with. */
  readonly repaired: boolean | null;
  /** The same in plain words, with the numbers. */
  readonly text: string;
}

/** What a verdict rests on. */
export interface Findings {
  /** On test data, where there are some. */
  readonly before?: Evaluation | undefined;
  readonly after?: Evaluation | undefined;
  /** On the part of the validation data that was not trained on. */
  readonly holdout: { readonly before: CleanScore; readonly after: CleanScore };
  /** Allowed drop of clean accuracy, as a share. */
  readonly maxDrop: number;
  readonly steps: readonly Step[];
}

/**
 * Attack success that a repaired network may be left with. The paper's best are 0 and 2%; a network
 * without a backdoor, too, takes some triggered inputs for the target, by mistake.
 */
const REPAIRED = 0.05;

/**
 * Whether the network was repaired. With triggered data: attack success at most 5%. In any case: clean
 * accuracy not below the allowed drop, on test data, which chose nothing, or without them on the holdout.
 */
export function verdictOf({ before, after, holdout, maxDrop, steps }: Findings): Verdict {
  const done = steps.map(({ summary }) => summary).join(', ') || 'nothing was done';
  const failed = steps.find((step) => step.failed !== undefined)?.failed;
  const not = (why: string): Verdict => ({
    repaired: false,
    text: `Not repaired: ${why} (${done}).`,
  });
  const [had, has, where] =
    before && after
      ? [before.acc, after.acc, 'test data']
      : [holdout.before, holdout.after, 'held-out validation data'];
  const lost = scoreDrop(had, has);
  const measure = had.map === undefined ? 'clean accuracy' : 'mean average precision';
  if (lost > maxDrop) {
    // A mean average precision is no count.
    const counted = had.map === undefined ? ` (${had.hits} to ${has.hits} of ${has.of})` : '';
    return not(
      `${measure} fell by ${percent(lost)} on ${where}${counted}, more than the ${percent(maxDrop)} allowed`,
    );
  }
  if (failed !== undefined) return not(failed);
  if (!before?.asr?.of || !after?.asr) {
    return {
      repaired: null,
      text: `The network was treated (${done}). Whether a backdoor was in it cannot be told without triggered data.`,
    };
  }
  const rates = `attack success went from ${percent(before.asr.rate)} to ${percent(after.asr.rate)}`;
  const cost = lost > 0 ? `a cost of ${(100 * lost).toFixed(2)} points` : 'no cost';
  if (after.asr.rate > REPAIRED) return not(`${rates} at ${cost} of ${measure}`);
  const said = `${rates} at ${cost} of ${measure} (${done}).`;
  return before.asr.rate > REPAIRED
    ? { repaired: true, text: `Repaired: ${said}` }
    : { repaired: null, text: `This trigger opened no backdoor to begin with: ${said}` };
}

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
