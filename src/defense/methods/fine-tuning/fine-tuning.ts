import { random } from '../../../data/index.ts';
import { withDefaults } from '../../../options.ts';
import { type BlockedParameter } from '../../../autodiff/index.ts';
import { hasDropout } from '../../../ops/index.ts';
import { mergeEdits, weightEdits } from '../../../network/index.ts';
import { fixedBatchSize, trainableIn, scoped } from '../../../train/index.ts';
import type { Defense, DefenseContext, Repaired } from '../../defense.ts';
import { DefenseError } from '../../error.ts';
import { chosenSites } from '../pruning/pruning.ts';
import { averageWeights } from './average-weights.ts';
import {
  fineTune,
  type FineTuneSettings,
  type FineTuning,
  optimizerOf,
  rateOf,
} from './fine-tune.ts';
import { parametersIn } from './layers.ts';
import { type TuningSettings, tuningSettings } from './settings.ts';
import { plainSettings, tuningRunOf, type TuningStep } from './step.ts';

/** Fine-tuning: the network is trained on with clean data. Pruned units stay pruned. */
export const fineTuning: Defense<TuningSettings> = {
  name: 'fine-tuning',
  description: 'train the network on with clean data',
  source: 'Liu, Dolan-Gavitt, Garg: Fine-Pruning, RAID 2018, section 3.3',
  settings: tuningSettings,
  check: checkFits,
  run: (context, from, settings) => tune(context, from, settings, { by: 'fine-tuning' }),
};

/** Settings of fine-tuning that a person may choose. */
type Trainable = Omit<
  FineTuneSettings,
  'optimizer' | 'seed' | 'floor' | 'checkpoints' | 'signal' | 'onProgress'
>;

/** What a defense that fine-tunes in its own way adds. */
export interface TuneVariant {
  /** The name of the defense. */
  readonly by: string;
  /** Settings of the training itself. */
  readonly training?: Partial<FineTuneSettings> | undefined;
}

/**
 * Fine-tunes a network, for every defense that does.
 *
 * @throws DefenseError 'defense/no-dropout', 'defense/no-picture', 'defense/unknown-layer',
 *   'defense/untrainable' where the network or the data do not fit the settings
 */
export async function tune(
  context: DefenseContext,
  from: Repaired,
  settings: TuningSettings,
  { by, training }: TuneVariant,
): Promise<Repaired> {
  const { runtime, clean, seed, maxDrop, signal, checkpoints } = context;
  const { network } = from;
  const started = performance.now();
  checkFits(context, settings);
  const frozen = settings.freezeUnsupported ? await frozenIn(context, from) : [];
  const still = new Set(frozen.map(({ parameter }) => parameter));
  const free = {
    ...network,
    parameters: network.parameters.filter((parameter) => !still.has(parameter)),
  };
  const layers = settings.layers ?? (network.proposing.length > 0 ? 'regions' : 'all');
  const parameters =
    layers === 'all'
      ? free.parameters
      : parametersIn(free, chosenSites(context.given, settings.site), layers);
  const trained = { ...free, parameters };
  const rate = rateOf(settings.rate, network.tuning);
  const {
    optimizer,
    weightDecay,
    dropout,
    runs,
    freezeUnsupported: _,
    site: __,
    ...others
  } = settings;
  const { layers: ___, ...rest } = others;
  const how = {
    ...withDefaults<Trainable>(
      { ...network.tuning, batchSize: batchSizeFor(clean.train.length, network.tuning.batchSize) },
      rest,
    ),
    ...training,
    rate,
    optimizer: optimizerOf(rate, optimizer, weightDecay),
    ...(dropout && { mode: 'dropout' as const }),
  };
  const before = await context.score(context.given.graph);
  const tunings: FineTuning[] = [];
  for (const run of Array(runs).keys()) {
    const tuning = await fineTune(
      runtime,
      trained,
      network.graph,
      from.masks,
      { tune: clean.train, holdout: clean.holdout },
      {
        ...how,
        seed: run === 0 ? seed : random(seed, `fine-tuning ${run}`).integer(2 ** 32),
        floor: { from: before, maxDrop },
        signal,
        ...scoped(checkpoints, `run-${run + 1}`),
        onProgress: (stage, done, all) =>
          stage === 'epochs'
            ? context.progress('fine-tune', run * all + done, runs * all)
            : context.progress(stage, done, all),
      },
    );
    tunings.push(tuning);
  }
  const failed = tunings.every(({ chosen }) => chosen === 0);
  const step: TuningStep = {
    kind: 'tuning',
    by,
    summary: failed ? 'fine-tuning was left out' : summaryOf(runs, from),
    ...(failed && { failed: 'fine-tuning made the network worse at every rate that was tried' }),
    seconds: (performance.now() - started) / 1000,
    data: {
      runs: tunings.map(tuningRunOf),
      settings: plainSettings(how, { layers, runs }),
      trained: [...parameters],
      frozen: frozen.map(({ parameter, op, why }) => `${parameter}: ${op}, ${why}`),
    },
  };
  return {
    network: { ...network, graph: averageWeights(network.graph, tunings, parameters) },
    masks: from.masks,
    edits: failed ? from.edits : mergeEdits(from.edits, weightEdits(parameters)),
    steps: [...from.steps, step],
  };
}

function summaryOf(runs: number, { steps }: Repaired): string {
  const tuned = runs > 1 ? `fine-tuned in ${runs} runs, whose mean this is` : 'fine-tuned';
  return steps.length === 0 ? tuned : `the rest ${tuned}`;
}

/**
 * The batch size of fine-tuning unless told otherwise: so small, where samples are few, that an epoch
 * has some 60 steps, but 16 at least. Few large steps leave most of a backdoor.
 */
export function batchSizeFor(samples: number, most: number): number {
  return Math.min(most, Math.max(16, 2 ** Math.round(Math.log2(samples / 60))));
}

/** Refuses settings that the network or the data cannot follow, before any work. */
export function checkFits({ given, clean }: DefenseContext, settings: TuningSettings): void {
  if (settings.dropout && !hasDropout(given.graph)) {
    throw new DefenseError(
      'defense/no-dropout',
      'The model has no Dropout that could drop while it is fine-tuned (many exports leave it out): do without dropout (--dropout)',
    );
  }
  const { sample, pictures, objects } = clean.all;
  const { shift = 0, augment = [], occlusion = 0, transform } = settings;
  const moved = shift > 0 || augment.length > 0;
  if (objects && (moved || transform)) {
    throw new DefenseError(
      'defense/no-picture',
      'Scenes are changed together with the boxes in them, by the option "scenes": do without shift, augment and transform (--shift, --augment)',
    );
  }
  if (!objects && (moved || occlusion > 0) && (pictures?.dims ?? sample).length !== 3) {
    throw new DefenseError(
      'defense/no-picture',
      `Samples of [${sample.join()}] are no pictures that could be moved or covered: do without shift, augment and occlusion (--shift, --augment, --occlusion)`,
    );
  }
}

/** Parameters that no gradient reaches, each with what is in the way. */
async function frozenIn(
  { runtime, clean }: DefenseContext,
  { network: { graph, input, scores, parameters } }: Repaired,
): Promise<readonly BlockedParameter[]> {
  const found = await trainableIn(runtime, graph, {
    input,
    logits: scores,
    parameters,
    sample: clean.all.sample,
    classes: clean.all.classes.length,
    batchSize: fixedBatchSize(graph, input) ?? 2,
    optimizer: { kind: 'sgd' },
  });
  if (found.trainable.length > 0) return found.blocked;
  const [first] = found.blocked;
  throw new DefenseError(
    'defense/untrainable',
    `No gradient reaches any of the ${parameters.length} parameters, so nothing can be fine-tuned (${first?.op || 'no node'}: ${first?.why ?? 'there are none'}): only prune it`,
  );
}
