import { type CleanScore, type Evaluation, type Rate, scoreDrop } from '../metrics/index.ts';
import { LOGIC_LEFT, type RepairScan, stillFound } from './scan/repair-scan.ts';
import type { Step } from './steps.ts';

/** Whether a network was repaired. */
export interface Verdict {
  /** Null where nobody can know: nothing was found before, or the trigger did nothing to begin with. */
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
  readonly scan?: RepairScan | undefined;
  /** The data had no labels: accuracy is agreement with the network as it was given. */
  readonly unlabeled?: true | undefined;
}

/**
 * Attack success that a repaired network may be left with. The paper's best are 0 and 2%; a network
 * without a backdoor, too, takes some triggered inputs for the target, by mistake.
 */
const REPAIRED = 0.05;

/**
 * Whether the network was repaired. With triggered data: attack success at most 5%. Without: what a scan
 * found before works no more, and a new scan finds nothing. In any case: clean accuracy not below the
 * allowed drop, on test data, which chose nothing, or without them on the holdout; and no decision about
 * the input switches the scores.
 */
export function verdictOf(findings: Findings): Verdict {
  const { before, after, holdout, maxDrop, steps, scan, unlabeled } = findings;
  const failed = steps.find((step) => step.failed !== undefined)?.failed;
  const [had, has, where] =
    before && after
      ? [before.acc, after.acc, 'test data']
      : [holdout.before, holdout.after, 'held-out validation data'];
  const lost = scoreDrop(had, has);
  const accuracy = unlabeled ? 'agreement with the network as delivered' : 'clean accuracy';
  const measure = had.map === undefined ? accuracy : 'mean average precision';
  const done = steps.map(({ summary }) => summary).join(', ') || 'nothing was done';
  const treatment: Treatment = {
    done,
    cost: `${lost > 0 ? `a cost of ${(100 * lost).toFixed(2)} points` : 'no cost'} of ${measure}`,
    not: (why) => ({ repaired: false, text: `Not repaired: ${why} (${done}).` }),
  };
  if (lost > maxDrop) {
    // A mean average precision is no count.
    const counted = had.map === undefined ? ` (${had.hits} to ${has.hits} of ${has.of})` : '';
    return treatment.not(
      `${measure} fell by ${percent(lost)} on ${where}${counted}, more than the ${percent(maxDrop)} allowed`,
    );
  }
  if (failed !== undefined) return treatment.not(failed);
  return before?.asr?.of && after?.asr
    ? byAttack(before.asr, after.asr, scan, treatment)
    : byScan(scan, treatment);
}

/** What was done and what it cost, for people to read. */
interface Treatment {
  readonly done: string;
  readonly cost: string;
  readonly not: (why: string) => Verdict;
}

/** By attack success on triggered data. */
function byAttack(
  before: Rate,
  after: Rate,
  scan: RepairScan | undefined,
  { done, cost, not }: Treatment,
): Verdict {
  const rates = `attack success went from ${percent(before.rate)} to ${percent(after.rate)}`;
  if (after.rate > REPAIRED) return not(`${rates} at ${cost}`);
  if (scan?.after && scan.after.inputLogic.length > 0) {
    return not(`${rates} at ${cost}, but ${LOGIC_LEFT}`);
  }
  const said = `${rates} at ${cost} (${done}).`;
  return before.rate > REPAIRED
    ? { repaired: true, text: `Repaired: ${said}` }
    : { repaired: null, text: `This trigger opened no backdoor to begin with: ${said}` };
}

/** By what scans found before and after. */
function byScan(scan: RepairScan | undefined, { done, cost, not }: Treatment): Verdict {
  if (!scan) {
    return {
      repaired: null,
      text: `The network was treated (${done}). Whether a backdoor was in it cannot be told without triggered data or a scan.`,
    };
  }
  if (!scan.after) {
    return {
      repaired: null,
      text: `No backdoor was found before the repair, so that nobody can say whether one was removed (${done}, at ${cost}).`,
    };
  }
  const left = stillFound(scan);
  if (left !== undefined) return not(`${left}, at ${cost}`);
  const targets = scan.remaining.map(
    ({ name, before, after }) => `"${name}" (${percent(before.rate)} to ${percent(after.rate)})`,
  );
  return {
    repaired: true,
    text: `Repaired: a new scan finds nothing, and the triggers that were found before work no more: ${targets.join(', ')}, at ${cost} (${done}).`,
  };
}

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
