import { random, split, type Dataset, type SceneAugment } from '../data/index.ts';
import type { CleanScore, Evaluation } from '../metrics/index.ts';
import type { Graph, Model } from '../onnx/index.ts';
import type { CutOff } from '../autodiff/index.ts';
import { hasDropout } from '../ops/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { rowsOf, trainableIn, type Checkpoints, within } from '../train/index.ts';
import {
  type Network,
  openNetwork,
  judge,
  predictTest,
  type Predictions,
  type TestData,
} from '../network/index.ts';
import { type Options, withDefaults } from '../options.ts';
import { DefenseError } from './error.ts';
import {
  fineTune,
  type FineTuneSettings,
  type FineTuning,
  optimizerOf,
  rateOf,
} from './methods/fine-tuning/fine-tune.ts';
import { type Layers, parametersIn } from './methods/fine-tuning/layers.ts';
import {
  pruneSites,
  type PruneSitesSettings,
  type SitePruning,
} from './methods/pruning/prune-sites.ts';
import {
  lastSite,
  siteNamed,
  sitesOf,
  type Site,
  type StoreSettings,
  unitGradients,
} from '../channels/index.ts';
import { averageWeights } from './methods/fine-tuning/average-weights.ts';
import { heldOf } from './methods/fine-tuning/tuning-state.ts';

export type Method = 'none' | 'pruning' | 'fine-tuning' | 'fine-pruning';

export interface DefendSettings {
  readonly method?: Exclude<Method, 'none'> | undefined;
  /** Do the other methods as well, to compare. */
  readonly compare?: boolean | undefined;
  /** The output that has the scores, of a model that has several. */
  readonly output?: string | undefined;
  /** The site to prune, or several, in their order; the last convolutional one by default. */
  readonly site?: string | readonly string[] | undefined;
  /** How units are ranked, when to stop, and where the masks go. */
  readonly pruning?: Pick<PruneSitesSettings, 'rank' | 'share' | 'fullCurve' | 'fold'> | undefined;
  /** The largest drop of validation accuracy while pruning, as a share; default 0.02. */
  readonly maxDrop?: number | undefined;
  /**
   * Share of the validation data that fine-tuning does not train on, above 0 and below 1; default 0.2.
   * They choose the epoch and judge what was lost: fewer of them are a coarser judge, and more to train on.
   */
  readonly held?: number | undefined;
  /** Units pruned between two measurements; default 1. */
  readonly step?: number | undefined;
  readonly seed?: number | undefined;
  /** How scenes are changed while a detector is fine-tuned; by default in scale and colors. */
  readonly scenes?: SceneAugment | undefined;
  /** Leave parameters that no gradient reaches as they are; without it they are an error. */
  readonly freezeUnsupported?: boolean | undefined;
  readonly tune?: Options<Tune> | undefined;
  /**
   * How often to fine-tune, from the same weights by other seeds, to take the mean of the weights that
   * come of it, see `soup`; a whole number from 1 on, which is the default.
   */
  readonly runs?: number | undefined;
  /** What fine-tuning may change; default 'all', of a detector 'regions'. */
  readonly layers?: Layers | undefined;
  /** How activations are kept while pruning. */
  readonly cache?: StoreSettings | undefined;
  /** Where a killed run with the same data and settings left what it had. */
  readonly checkpoints?: Checkpoints | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: Stage, done: number, all: number) => void) | undefined;
}

export type Stage =
  | 'profile'
  | 'prune'
  | 'find a learning rate'
  | 'fine-tune'
  | 'fine-prune'
  | 'evaluate';

/** Settings of fine-tuning that a person may choose. */
export type Tune = Omit<
  FineTuneSettings,
  'seed' | 'floor' | 'checkpoints' | 'signal' | 'onProgress'
>;

/** What the network is after a method, and how it does on test data, where there is some. */
export interface Outcome {
  readonly method: Method;
  readonly graph: Graph;
  /** Where it was fine-tuned: each run. */
  readonly tunings?: readonly FineTuning[] | undefined;
  readonly evaluation?: Evaluation | undefined;
  readonly predictions?: Predictions | undefined;
}

export interface Defense {
  readonly classifier: Network;
  /** Parameters left as they are since no gradient reaches them, each with what is in the way. */
  readonly frozen: readonly CutOff[];
  readonly sites: readonly Site[];
  /** One for each site, in the order in which they were pruned; at least one. */
  readonly prunings: readonly [SitePruning, ...SitePruning[]];
  /** For each of them, what fine-tuning can reach, where that can be had: see `unitGradients`. */
  readonly gradients: readonly (Float64Array | undefined)[];
  readonly maxDrop: number;
  readonly runs: number;
  readonly seed: number;
  /** The settings that fine-tuning ran with. */
  readonly tune: Tune;
  readonly layers: Layers;
  readonly parts: { readonly tune: Dataset; readonly held: Dataset };
  /** 'none' first, the method asked for last. */
  readonly outcomes: readonly Outcome[];
  /** Accuracy on the held part of the validation data, before and after. */
  readonly held: { readonly before: CleanScore; readonly after: CleanScore };
}

/**
 * The batch size of fine-tuning unless told otherwise: so small, where samples are few, that an epoch
 * has some 60 steps, but 16 at least. Few large steps leave most of a backdoor.
 */
export function batchSizeFor(samples: number, most: number): number {
  return Math.min(most, Math.max(16, 2 ** Math.round(Math.log2(samples / 60))));
}

/**
 * Fine-pruning (Liu, Dolan-Gavitt, Garg, RAID 2018): prunes the units of one site that clean data
 * leaves least active, as far as validation accuracy allows, then fine-tunes the rest.
 *
 * Everything is chosen on `validation`, clean data which the network was not trained on: four fifths
 * of it are fine-tuned on, one fifth (`held`) chooses the epoch. `test` is only reported.
 *
 * @param given - a model, or what `openNetwork` made of it and the validation data
 * @throws DefenseError where the model, the site or a setting does not fit; NormalizeError, AutodiffError or
 *   RuntimeFault where the graph cannot be worked on; the signal's reason when it aborts
 */
export async function defend(
  runtime: Runtime,
  given: Model | Network,
  validation: Dataset,
  test: TestData | undefined,
  settings: DefendSettings = {},
): Promise<Defense> {
  const { method = 'fine-pruning', maxDrop = 0.02, held: share = 0.2, seed = 0 } = settings;
  const { runs = 1 } = settings;
  const { signal, onProgress } = settings;
  const aborting = signal ? { signal } : {};
  if (!(share > 0 && share < 1)) {
    throw new DefenseError(
      'defense/held',
      `The held share of the validation data is ${share}: it must be above 0, so that something is there to judge by, and below 1`,
    );
  }
  if (!(Number.isSafeInteger(runs) && runs >= 1)) {
    throw new DefenseError(
      'defense/runs',
      `Fine-tuning is to run ${runs} times: it must be a whole number from 1 on`,
    );
  }
  const parts = split(validation, { tune: 1 - share, held: share }, seed);
  if (parts.tune.length === 0 || parts.held.length === 0) {
    throw new DefenseError(
      'defense/too-few',
      `The validation data "${validation.name}" has ${validation.length} samples: with ${share} of them held that is ${parts.tune.length} to fine-tune on and ${parts.held.length} to choose by. One of each is needed, and some hundred to tell anything`,
    );
  }
  const whole = 'traced' in given ? given : await openNetwork(runtime, given, validation, settings);
  const frozen =
    settings.freezeUnsupported === true ? await cutOff(runtime, whole, validation) : [];
  const still = new Set(frozen.map(({ parameter }) => parameter));
  const parameters = whole.parameters.filter((parameter) => !still.has(parameter));
  const classifier = { ...whole, parameters };
  const { graph, traced, scores } = classifier;
  if (settings.tune?.mode === 'dropout' && !hasDropout(graph)) {
    throw new DefenseError(
      'defense/no-dropout',
      'The model has no Dropout that could drop while it is fine-tuned (many exports leave it out): do without --dropout',
    );
  }
  const { sample, pictures, objects } = validation;
  const { shift = 0, vary = [], cover = 0, augment } = settings.tune ?? {};
  const moved = shift > 0 || vary.length > 0;
  if (objects && (moved || augment)) {
    throw new DefenseError(
      'defense/no-picture',
      'Scenes are moved by `scenes`, with the boxes of what is in them: do without --shift and --vary, and without `augment`',
    );
  }
  if (!objects && (moved || cover > 0) && (pictures?.dims ?? sample).length !== 3) {
    throw new DefenseError(
      'defense/no-picture',
      `Samples of [${sample.join()}] are no pictures that could be moved or covered: do without --shift, --vary and --cover`,
    );
  }
  const held = async (of: Graph) =>
    judge(classifier, await predictTest(runtime, classifier, of, { clean: parts.held }), {
      clean: parts.held,
    }).acc;
  const sites = sitesOf(traced, scores);
  const site = settings.site ?? [];
  const named = typeof site === 'string' ? [site] : site;
  const chosen =
    named.length === 0 ? [lastSite(traced, sites)] : named.map((name) => siteNamed(sites, name));
  const pruned = await pruneSites(runtime, classifier, chosen, validation, test, {
    ...settings.pruning,
    maxDrop,
    step: settings.step,
    cache: settings.cache,
    ...aborting,
    ...within(settings.checkpoints, 'prune'),
    onProgress: (done, all) => onProgress?.('prune', done, all),
  });

  const { tuning: usual, proposing } = classifier;
  const layers = settings.layers ?? (proposing.length > 0 ? 'regions' : 'all');
  const rate = rateOf(settings.tune?.rate, usual);
  const tune = withDefaults<Tune>(
    {
      optimizer: optimizerOf(rate),
      ...usual,
      batchSize: batchSizeFor(parts.tune.length, usual.batchSize),
      rate,
    },
    { ...settings.tune, rate },
  );
  const trained = {
    ...classifier,
    parameters: parametersIn(classifier, chosen, layers),
  };
  const before = await held(graph);
  const tuned = async (
    stage: 'fine-tune' | 'fine-prune',
    from: Graph,
    masks: typeof pruned.masks,
  ): Promise<Pick<Outcome, 'graph' | 'tunings'>> => {
    const tunings: FineTuning[] = [];
    for (const run of Array(runs).keys()) {
      const tuning = await fineTune(runtime, trained, from, masks, parts, {
        ...tune,
        seed: run === 0 ? seed : random(seed, `fine-tuning ${run}`).integer(2 ** 32),
        floor: { from: before, maxDrop },
        ...aborting,
        ...within(settings.checkpoints, run === 0 ? stage : `${stage}-${run + 1}`),
        onProgress: (what, done, all) =>
          what === 'epochs'
            ? onProgress?.(stage, run * all + done, runs * all)
            : onProgress?.(what, done, all),
      });
      tunings.push(tuning);
    }
    return { graph: averageWeights(from, tunings, trained.parameters), tunings };
  };
  const gradients: (Float64Array | undefined)[] = [];
  for (const { site, fold } of pruned.prunings) {
    const how = { batchSize: tune.batchSize, seed, ...aborting };
    gradients.push(await unitGradients(runtime, classifier, site.units, fold, parts.tune, how));
  }
  const wanted = (name: Method) => name === method || settings.compare === true;

  const made: Outcome[] = [{ method: 'none', graph }];
  if (wanted('pruning')) made.push({ method: 'pruning', graph: pruned.graph });
  if (wanted('fine-tuning')) {
    made.push({ method: 'fine-tuning', ...(await tuned('fine-tune', graph, new Map())) });
  }
  if (wanted('fine-pruning')) {
    made.push({
      method: 'fine-pruning',
      ...(await tuned('fine-prune', pruned.graph, pruned.masks)),
    });
  }
  made.sort((a, b) => Number(a.method === method) - Number(b.method === method));

  const outcomes: Outcome[] = [];
  for (const outcome of made) {
    signal?.throwIfAborted();
    onProgress?.('evaluate', outcomes.length, made.length);
    if (!test) outcomes.push(outcome);
    else {
      const predictions = await predictTest(runtime, classifier, outcome.graph, test);
      outcomes.push({ ...outcome, predictions, evaluation: judge(classifier, predictions, test) });
    }
  }
  onProgress?.('evaluate', made.length, made.length);
  const last = outcomes.at(-1) as Outcome;
  const [onlyOne] = last.tunings ?? [];
  return {
    classifier,
    frozen,
    sites,
    gradients,
    prunings: pruned.prunings as Defense['prunings'],
    maxDrop,
    runs,
    seed,
    tune,
    layers,
    parts,
    outcomes,
    held: {
      before,
      after: onlyOne?.graph === last.graph ? heldOf(onlyOne) : await held(last.graph),
    },
  };
}

async function cutOff(
  runtime: Runtime,
  { graph, input, scores, parameters }: Network,
  dataset: Dataset,
): Promise<readonly CutOff[]> {
  const found = await trainableIn(runtime, graph, {
    input,
    logits: scores,
    parameters,
    sample: dataset.sample,
    classes: dataset.classes.length,
    batchSize: rowsOf(graph, input) ?? 2,
    optimizer: { kind: 'sgd' },
  });
  if (found.trainable.length > 0) return found.cutOff;
  const [first] = found.cutOff;
  throw new DefenseError(
    'defense/untrainable',
    `No gradient reaches any of the ${parameters.length} parameters, so nothing can be fine-tuned (${first?.op || 'no node'}: ${first?.why ?? 'there are none'}): use --method prune`,
  );
}
