import type { Samples, Predictor } from './samples.ts';
import { scoreSlots, type Scores } from './score.ts';
import { judgeSlot, keepSlots, sizesOf, type SlotSearch } from './search.ts';

/** Most classes that the last round has. */
const LAST_ROUND = 12;
/** Steps to measure the speed by, where a time is given. */
const TIMED_STEPS = 4;
/** Bounds of the steps that a given time is turned into. */
const STEPS = { least: 40, most: 1000 };

/** What a search found in one family. */
export interface FamilyResult {
  /** Of the slots of the last round. */
  readonly search: SlotSearch;
  readonly scores: Scores;
}

interface Round {
  readonly slots: number;
  readonly steps: number;
}

/** Makes one step of a search. */
type Step = (search: SlotSearch) => Promise<void>;

/**
 * Rounds of a search: where there are many classes, each round drops the half with the larger
 * perturbations (after K-Arm, Shen et al., ICML 2021). The first round and the last one have all the
 * steps: the first one must tell a target from a class that is near by nature.
 */
export function roundsOf(slots: number, steps: number): Round[] {
  if (slots <= LAST_ROUND) return [{ slots, steps }];
  const rounds: Round[] = [{ slots, steps }];
  for (let left = Math.ceil(slots / 2); left > LAST_ROUND; left = Math.ceil(left / 2)) {
    rounds.push({ slots: left, steps: Math.ceil(steps / 2) });
  }
  return [...rounds, { slots: Math.min(LAST_ROUND, Math.ceil(slots / 2)), steps }];
}

/** Steps of all rounds. */
export function stepsOf(rounds: readonly Round[]): number {
  return rounds.reduce((sum, { steps }) => sum + steps, 0);
}

/** Runs the rounds of a search, and judges the slots that are left on other samples. */
export async function runRounds(
  first: SlotSearch,
  steps: number,
  step: Step,
  judge: Samples,
  predictor: Predictor,
): Promise<FamilyResult> {
  let search = first;
  for (const round of roundsOf(first.targets.length, steps)) {
    if (round.slots < search.targets.length) {
      search = keepSlots(search, smallest(search, round.slots));
    }
    for (let at = 0; at < round.steps; at += 1) await step(search);
  }
  const results = [];
  for (const [slot, size] of sizesOf(search).entries()) {
    results.push({ size, success: await judgeSlot(search, slot, judge, predictor) });
  }
  const isClass = search.targets.map(({ kind }) => kind === 'all-to-one');
  return { search, scores: scoreSlots(results, isClass) };
}

/** The slots with the smallest perturbations for their success, in their order. */
function smallest(search: SlotSearch, count: number): number[] {
  const scores = sizesOf(search).map(
    (size, slot) => size / Math.max(search.success[slot] as number, 0.05),
  );
  return [...scores.keys()]
    .toSorted((a, b) => (scores[a] as number) - (scores[b] as number))
    .slice(0, count)
    .toSorted((a, b) => a - b);
}

/** The steps of the last round for which a time is enough, by the time of the first steps. */
export async function stepsFor(seconds: number, search: SlotSearch, step: Step): Promise<number> {
  // The first step takes memory: it is not timed.
  await step(search);
  const started = performance.now();
  for (let at = 0; at < TIMED_STEPS; at += 1) await step(search);
  const each = (performance.now() - started) / 1000 / TIMED_STEPS;
  const all = stepsOf(roundsOf(search.targets.length, STEPS.most)) / STEPS.most;
  return Math.round(Math.min(Math.max(seconds / each / all, STEPS.least), STEPS.most));
}
