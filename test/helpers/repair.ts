import type {
  Outcome,
  PrunedSite,
  PruningStep,
  Repair,
  TuningStep,
} from '../../src/defense/index.ts';

/** What steps of a kind hold, of the methods of a repair. */
function dataOf<D>(outcomes: readonly Outcome[], kind: string): D[] {
  return outcomes.flatMap(({ steps }) =>
    steps.filter((step) => step.kind === kind).map(({ data }) => data as D),
  );
}

/** The sites that were pruned, by the first method that prunes. */
export function prunedSites({ outcomes }: Repair): readonly PrunedSite[] {
  return dataOf<PruningStep['data']>(outcomes, 'pruning')[0]?.sites ?? [];
}

/** The fine-tuning of the method that was asked for. */
export function tuningOf({ outcomes }: Repair): TuningStep['data'] {
  const [data] = dataOf<TuningStep['data']>(outcomes.slice(-1), 'tuning');
  if (!data) throw new Error('nothing was fine-tuned');
  return data;
}

/** The outcome of the method that was asked for. */
export function lastOf({ outcomes }: Repair): Outcome {
  return outcomes.at(-1) as Outcome;
}
