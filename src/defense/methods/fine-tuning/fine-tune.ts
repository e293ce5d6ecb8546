import {
  type Augment,
  type Dataset,
  compose,
  cutMix,
  shift,
  type AugmentationName,
  imageAugmentation,
} from '../../../data/index.ts';
import type { CleanScore } from '../../../metrics/index.ts';
import type { Graph, TensorOf } from '../../../onnx/index.ts';
import type { Runtime } from '../../../runtime/index.ts';
import {
  type OptimizerSettings,
  type Parameters,
  SCHEDULES,
  type ScheduleName,
  withParameters,
  type Checkpoints,
} from '../../../train/index.ts';
import type { Network, Trainer, TrainerSettings, TuningDefaults } from '../../../network/index.ts';
import { findRate, measureStart } from './rate.ts';
import {
  again,
  BlownUp,
  fromSaved,
  isKept,
  isOver,
  isWorse,
  type Limits,
  toSaved,
  type Tuned,
  type TuningState,
  Watch,
} from './tuning-state.ts';
import { interpolated, numbersIn } from './weights.ts';

export interface FineTuneSettings extends Limits, Pick<TrainerSettings, 'smoothing' | 'sharpness'> {
  readonly batchSize: number;
  /** Learning rate of the schedule; 'auto' finds one, see `findRate`. */
  readonly rate: number | 'auto';
  /** How the rate goes on from there; default 'cosine', down to 0. */
  readonly schedule?: ScheduleName | undefined;
  readonly optimizer: OptimizerSettings;
  readonly seed: number;
  /** Move images by up to so many pixels, at random; default 0. */
  readonly shift?: number | undefined;
  /**
   * Cover a part of every image with a piece of another one, up to this share of its height and of its
   * width, in [0, 1], see `cutMix`; default 0. The network learns to ignore what covers an image, and a
   * trigger does. In scenes, most objects are covered with up to three rectangles of random colors, each
   * side up to this share of the object's box.
   */
  readonly occlusion?: number | undefined;
  /** Random changes of images, see `imageAugmentation`; default none. */
  readonly augment?: readonly AugmentationName[] | undefined;
  /** Another random change of samples; default none. */
  readonly transform?: Augment | undefined;
  /**
   * 'dropout': the network's Dropout drops, drawn by `seed` and from the beginning again where a killed
   * run goes on; by default it does nothing, as in use. See `LossSettings`.
   */
  readonly mode?: 'as written' | 'dropout' | undefined;
  /**
   * How far the weights of an epoch are from those given to those trained, on the straight way between
   * them, in (0, 1]; default 1 (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section
   * 3). A little less, at a rate so much higher, wins back what few samples make a network forget.
   */
  readonly interpolate?: number | undefined;
  /** Where a killed run left what it had. */
  readonly checkpoints?: Checkpoints | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((stage: 'find a learning rate' | 'epochs', done: number, all: number) => void)
    | undefined;
}

export interface FineTuning extends Tuned {
  readonly graph: Graph;
}

/**
 * The rate to tune at: 'auto', or none, is the usual one, which of what finds no rate (a detector) is a
 * number. Weight decay counts in its units, see `optimizerOf`.
 */
export function rateOf(
  asked: FineTuneSettings['rate'] | undefined,
  usual: TuningDefaults,
): FineTuneSettings['rate'] {
  return asked === undefined || asked === 'auto' ? usual.rate : asked;
}

/**
 * The optimizer that is used unless told otherwise. In the units of a rate that was found, weight
 * decay is a share of the gradient; as a rate of 0.1 counts it, it would be next to nothing.
 */
export function optimizerOf(
  rate: FineTuneSettings['rate'],
  kind: OptimizerSettings['kind'] = 'sgd',
  weightDecay = kind === 'adam' ? 0 : rate === 'auto' ? 0.05 : 5e-4,
): OptimizerSettings {
  return kind === 'adam' ? { kind, weightDecay } : { kind, momentum: 0.9, weightDecay };
}

/**
 * Trains a network on from its weights with clean data (Fine-Pruning, section 3.3). The latest epoch
 * that holdout data cannot tell from the best is kept, see `isKept`.
 *
 * A loss that is no number, or far above where it began, takes training back to the weights of
 * the epoch kept so far, and on from there at half of a rate that was found, or a quarter of one that
 * was given: little is left of a backdoor's removal at rates far lower. So does, to the very first
 * weights, a run after which holdout accuracy is below `floor` while it was not before. Where no retry
 * helps, the weights given are kept. Each retry is on record.
 *
 * @param graph - the classifier's graph, pruned or not
 * @param masks - what is kept at zero: pruned stays pruned
 * @param tune - clean data to train on
 * @param holdout - clean data, disjoint from it, to choose the epoch by
 */
export async function fineTune(
  runtime: Runtime,
  classifier: Network,
  graph: Graph,
  masks: ReadonlyMap<string, TensorOf<'float32'>>,
  { tune, holdout }: { readonly tune: Dataset; readonly holdout: Dataset },
  asked: FineTuneSettings,
): Promise<FineTuning> {
  const { parameters } = classifier;
  const settings = { ...asked, batchSize: classifier.batchSize(graph, asked.batchSize) };
  const { signal } = settings;
  const judge = async (weights: Parameters) => {
    const weighted = withParameters(graph, weights);
    const how = { shortLived: true, signal };
    const answers = await classifier.predict(runtime, weighted, holdout, how);
    return classifier.score(answers, holdout, true);
  };
  const given = numbersIn(graph, parameters);
  const saved = await settings.checkpoints?.load('epochs');
  let state = saved
    ? fromSaved(saved)
    : await beginning(runtime, classifier, graph, masks, tune, settings, judge, given);
  if (!saved) await settings.checkpoints?.save('epochs', toSaved(state));
  const trainer = await classifier.trainer(runtime, graph, tune, {
    parameters,
    masks,
    ...trainerSettings(settings),
    ...(state.found && { scales: state.found.scales }),
  });
  let reached: TuningState | undefined;
  try {
    for (;;) {
      const next = isOver(state, settings)
        ? isWorse(state, settings)
          ? again(state, 'accuracy', state.epochs.at(-1)?.loss ?? NaN, given)
          : undefined
        : await oneEpoch(trainer, tune, state, reached, settings, given, judge);
      if (!next) break;
      reached = next.retries.length === state.retries.length ? next : undefined;
      state = next;
      await settings.checkpoints?.save('epochs', toSaved(state));
    }
  } finally {
    await trainer.dispose();
  }
  const { factor: _, kept, training: __, ...result } = state;
  const chosen = isWorse(state, settings) ? 0 : state.chosen;
  return {
    ...result,
    chosen,
    graph: withParameters(graph, tensorsOf(graph, chosen === 0 ? given : kept)),
  };
}

/** The settings that a trainer is made with, whatever it is for. */
function trainerSettings(settings: FineTuneSettings) {
  const { batchSize, optimizer, seed, occlusion, mode, smoothing, sharpness } = settings;
  return { batchSize, optimizer, seed, occlusion, mode, smoothing, sharpness };
}

/** Before the first epoch: where it begins, and at what rate. */
async function beginning(
  runtime: Runtime,
  classifier: Network,
  graph: Graph,
  masks: ReadonlyMap<string, TensorOf<'float32'>>,
  tune: Dataset,
  settings: FineTuneSettings,
  judge: (weights: Parameters) => Promise<CleanScore>,
  given: TuningState['kept'],
): Promise<TuningState> {
  const { signal, onProgress } = settings;
  const augment = augmentOf(settings, tune);
  const how = {
    ...trainerSettings(settings),
    augment,
    signal,
    onProgress: (done: number, all: number) => onProgress?.('find a learning rate', done, all),
  };
  const { parameters } = classifier;
  const own = await classifier.initialLoss?.(runtime, graph, tune, { parameters, masks, ...how });
  // Gradients are looked at to find a rate only.
  const looked = settings.rate === 'auto' ? classifier : { ...classifier, parameters: [] };
  const measured =
    own === undefined ? await measureStart(runtime, looked, graph, tune, how) : undefined;
  const found =
    measured && settings.rate === 'auto'
      ? await findRate(runtime, classifier, graph, masks, tune, measured, how)
      : undefined;
  const rate = rateOf(settings.rate, classifier.tuning);
  return {
    epochs: [],
    chosen: 0,
    start: { loss: own ?? measured?.loss ?? NaN, holdout: await judge(new Map()) },
    rate: found?.rate ?? (rate === 'auto' ? NaN : rate),
    found,
    retries: [],
    factor: 1,
    kept: given,
    training: { steps: 0, values: given },
  };
}

/**
 * One epoch on from a state, or a step back; undefined where there is no more to try.
 *
 * @param reached - the state that the trainer is in already
 */
async function oneEpoch(
  trainer: Trainer,
  tune: Dataset,
  state: TuningState,
  reached: TuningState | undefined,
  settings: FineTuneSettings,
  given: TuningState['kept'],
  judge: (weights: Parameters) => Promise<CleanScore>,
): Promise<TuningState | undefined> {
  const { batchSize, seed, signal, epochs, interpolate = 1, onProgress } = settings;
  const augment = augmentOf(settings, tune);
  const schedule = SCHEDULES[settings.schedule ?? 'cosine'](state.rate * state.factor);
  const watch = new Watch(state.start.loss, tune.classes.length);
  const epoch = state.epochs.length + 1;
  if (state !== reached) trainer.restore(state.training);
  try {
    const onStep = (done: number, all: number, loss: number) => {
      onProgress?.('epochs', done, all);
      watch.see(loss);
    };
    const { loss, rate, parameters } = await trainer.epoch(
      {
        batchSize,
        epochs,
        schedule,
        seed,
        onStep,
        augment,
        signal,
      },
      epoch,
    );
    if (![...parameters.values()].every(({ data }) => data.every(Number.isFinite))) {
      throw new BlownUp();
    }
    const weights = interpolate === 1 ? parameters : interpolated(given, parameters, interpolate);
    const holdout = await judge(weights);
    return {
      ...state,
      epochs: [...state.epochs, { epoch, loss, rate, holdout }],
      ...(isKept(holdout, state, settings) && { chosen: epoch, kept: copied(weights, state) }),
      // Weights and moments are large: they are copied where a killed run is to go on from them.
      ...(settings.checkpoints && { training: trainer.state() }),
    };
  } catch (error) {
    if (error instanceof BlownUp) return again(state, 'loss', watch.loss, state.kept);
    throw error;
  }
}

function copied(parameters: Parameters, { chosen, kept }: TuningState): TuningState['kept'] {
  // Weights of an epoch are of nobody else, and large: they are written over.
  const into =
    chosen === 0
      ? new Map([...kept].map(([name, { length }]) => [name, new Float32Array(length)]))
      : kept;
  for (const [name, data] of into) data.set((parameters.get(name) as TensorOf<'float32'>).data);
  return into;
}

function augmentOf(
  { shift: most = 0, augment = [], occlusion = 0, transform }: FineTuneSettings,
  { pictures }: Dataset,
): Augment | undefined {
  const changes = [
    most > 0 && shift(most, pictures),
    augment.length > 0 && imageAugmentation(augment, pictures),
    transform,
    occlusion > 0 && cutMix(occlusion, pictures),
  ].filter((change) => typeof change === 'function');
  return changes.length > 0 ? compose(...changes) : undefined;
}

function tensorsOf({ initializers }: Graph, values: TuningState['kept']): Parameters {
  return new Map(
    [...values].map(([name, data]) => [
      name,
      { ...(initializers.get(name) as TensorOf<'float32'>), data },
    ]),
  );
}
