import type { Dataset } from '../../data/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Checkpoints } from '../../train/index.ts';
import type { Network, Answers } from '../../network/index.ts';
import { type CurveSettings, predictionsAlong } from './sweep.ts';
import type { Site } from '../sites.ts';

/** What is read off the predictions at one point of a curve. */
export interface Point<T> {
  readonly pruned: number;
  readonly value: T;
}

/**
 * `predictionsAlong` of which only what is read off each point is kept, and kept so that a killed run
 * goes on after the last one: the same points, to the bit.
 *
 * @param read - what is wanted of the predictions; JSON keeps it as it is
 */
export async function* pointsAlong<T>(
  runtime: Runtime,
  classifier: Network,
  site: Site,
  dataset: Dataset,
  order: readonly number[],
  settings: Omit<CurveSettings, 'from'> & { readonly checkpoints?: Checkpoints | undefined },
  part: string,
  read: (answers: Answers) => T,
): AsyncGenerator<Point<T>, void, undefined> {
  const { checkpoints, ...how } = settings;
  const points = ((await checkpoints?.load(part))?.data ?? []) as Point<T>[];
  yield* points;
  const from = points.at(-1)?.pruned ?? -1;
  if (from === order.length) return;
  for await (const { pruned, answers } of predictionsAlong(
    runtime,
    classifier,
    site,
    dataset,
    order,
    { ...how, from },
  )) {
    points.push({ pruned, value: read(answers) });
    await checkpoints?.save(part, { data: points });
    yield points.at(-1) as Point<T>;
  }
}
