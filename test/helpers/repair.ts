import type {
  Outcome,
  PrunedSite,
  PruningStep,
  Repair,
  TuningStep,
} from '../../src/defense/index.ts';

/** The results of all steps of one kind in a repair. */
function dataOf<D>(outcomes: readonly Outcome[], kind: string): D[] {
  return outcomes.flatMap(({ steps }) =>
    steps.filter((step) => step.kind === kind).map(({ data }) => data as D),
  );
}

/** The pruned sites of the first pruning step. */
export function prunedSites({ outcomes }: Repair): readonly PrunedSite[] {
  return dataOf<PruningStep['data']>(outcomes, 'pruning')[0]?.sites ?? [];
}

/** The fine-tuning step of the requested method. */
export function tuningOf({ outcomes }: Repair): TuningStep['data'] {
  const [data] = dataOf<TuningStep['data']>(outcomes.slice(-1), 'tuning');
  if (!data) throw new Error('nothing was fine-tuned');
  return data;
}

/** The result of the requested method. */
export function lastOf({ outcomes }: Repair): Outcome {
  return outcomes.at(-1) as Outcome;
}
