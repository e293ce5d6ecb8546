import type { Dataset } from '../../data/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Checkpoints } from '../../train/index.ts';
import type { Network, Answers } from '../../network/index.ts';
import { type CurveSettings, predictionsAlong } from './sweep.ts';
import type { Site } from '../sites.ts';

/** A value computed from the predictions at one point of a curve. */
export interface Point<T> {
  readonly pruned: number;
  readonly value: T;
}

/**
 * A resumable sweep: `predictionsAlong`, of which one value per point is kept in checkpoints. A killed
 * run goes on after the last point and gives the same points, to the bit.
 *
 * @param part - the name under which the checkpoint is saved
 * @param read - computes the value from the predictions; it must survive JSON
 * @throws ChannelsError as `predictionsAlong` does
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
