import type { Dataset } from '../../../data/index.ts';
import type { CleanScore, Evaluation } from '../../../metrics/index.ts';
import type { TensorOf } from '../../../onnx/index.ts';
import type { Runtime } from '../../../runtime/index.ts';
import { scoped } from '../../../train/index.ts';
import {
  mergeEdits,
  type Network,
  NO_EDITS,
  scoreTriggered,
  type TestData,
} from '../../../network/index.ts';
import {
  applyMask,
  type Fold,
  mergeMasks,
  type Point,
  pointsAlong,
  type Pruned,
  activationProfile,
  type Site,
} from '../../../channels/index.ts';
import { prune, type PruneSettings, type Pruning } from './prune.ts';

/** A point of the pruning curve on test data: it is shown, and chooses nothing. */
export interface TestPoint {
  readonly pruned: number;
  readonly evaluation: Evaluation;
}

/** What pruning one of the sites came to, and what test data say of it. */
export interface SitePruning extends Pruning {
  readonly fold: Fold;
  /** At the points of `curve`. */
  readonly testCurve: readonly TestPoint[];
  /** Mean activation of each unit on triggered data, where there is some. */
  readonly triggeredProfile?: Float64Array | undefined;
}

export interface PruneSitesSettings extends Omit<PruneSettings, 'from'> {
  /** Where masks are to go, if not wherever comes first. */
  readonly fold?: Fold['into'] | undefined;
}

/** The graph with the masks of all sites, and what keeps them. */
export interface PrunedSites extends Pick<Pruned, 'graph' | 'masks' | 'edits'> {
  readonly prunings: readonly SitePruning[];
}

/**
 * Prunes sites one after another, in the order given, each of the network as those before it left it.
 * A drop is measured from the accuracy of the network given, so that all of them together stay
 * within it.
 *
 * @param validation - clean data; nothing else decides what is pruned
 * @throws DefenseError 'channels/no-fold' where a mask cannot go where it is wanted
 */
export async function pruneSites(
  runtime: Runtime,
  classifier: Network,
  sites: readonly Site[],
  validation: Dataset,
  test: TestData | undefined,
  { fold, ...settings }: PruneSitesSettings,
): Promise<PrunedSites> {
  const prunings: SitePruning[] = [];
  let current = classifier;
  let masks: ReadonlyMap<string, TensorOf<'float32'>> = new Map();
  let edits = NO_EDITS;
  let from: CleanScore | undefined;
  for (const [index, site] of sites.entries()) {
    const own = { ...settings, ...scoped(settings.checkpoints, `site-${index + 1}`) };
    const pruning = await prune(runtime, current, site, validation, {
      ...own,
      from,
      onProgress: (done, all) => settings.onProgress?.(index * all + done, sites.length * all),
    });
    from ??= pruning.curve[0]?.validation;
    const applied = applyMask(current, site, pruning.pruned, fold);
    const triggered = test?.triggered?.dataset;
    prunings.push({
      ...pruning,
      fold: applied.fold,
      testCurve: test ? await testCurve(runtime, current, pruning, test, own) : [],
      ...(triggered && {
        triggeredProfile: await activationProfile(
          runtime,
          current.graph,
          current.input,
          site,
          triggered,
          settings.signal,
        ),
      }),
    });
    masks = mergeMasks(masks, applied.masks);
    edits = mergeEdits(edits, applied.edits);
    const last = index === sites.length - 1;
    current = last
      ? { ...current, graph: applied.graph }
      : await current.withGraph(runtime, applied.graph, validation);
  }
  return { graph: current.graph, masks, edits, prunings };
}

async function testCurve(
  runtime: Runtime,
  classifier: Network,
  { site, order, curve, pruned }: Pruning,
  test: TestData,
  settings: PruneSitesSettings,
): Promise<TestPoint[]> {
  const units = order.slice(0, curve.at(-1)?.pruned ?? 0);
  const along = async (part: 'clean' | 'triggered', dataset: Dataset) => {
    const points: Point<Partial<Evaluation>>[] = [];
    for await (const point of pointsAlong(
      runtime,
      classifier,
      site,
      dataset,
      units,
      { ...settings, also: pruned.length },
      `test-${part}`,
      (answers): Partial<Evaluation> =>
        part === 'clean'
          ? { acc: classifier.score(answers, test.clean) }
          : scoreTriggered(classifier, answers, test),
    )) {
      points.push(point);
    }
    return points;
  };
  const clean = await along('clean', test.clean);
  const triggered = test.triggered && (await along('triggered', test.triggered.dataset));
  return clean.map(({ pruned, value }, index) => ({
    pruned,
    evaluation: { ...value, ...triggered?.[index]?.value } as Evaluation,
  }));
}
