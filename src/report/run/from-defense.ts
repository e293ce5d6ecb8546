import { sizeOf } from '../../onnx/index.ts';
import { digest, picturesOf, type Dataset } from '../../data/index.ts';
import { drop } from '../../metrics/index.ts';
import type { Defense, FineTuning, Outcome, SitePruning } from '../../defense/index.ts';
import type { TestData } from '../../network/index.ts';
import { confusionsOf } from './confusions.ts';
import { pixelsFromPlanes } from '../page/png.ts';
import type { Example, Picture, RunRecord, Setting } from './record.ts';
import { percent } from '../page/format.ts';
import { scenesOf } from './scenes.ts';
import { layersOf } from './structure.ts';
import { VERSION } from '../version.ts';

/** What a record says of a run beside what the defense found. */
export interface RunFacts {
  readonly command: string;
  readonly runtime: { readonly backend: 'native' | 'wasm'; readonly version: string };
  readonly input: RunRecord['input'];
  readonly output: { readonly path: string; readonly sha256: string };
  readonly source: 'real' | 'synthetic';
  /** The file without the pruned units, where one was asked for. */
  readonly slim?: RunRecord['slim'] | undefined;
  /** Further settings to show, such as those of an attack. */
  readonly settings?: RunRecord['settings'] | undefined;
  /** Data that the caller knows of beside validation and test. */
  readonly train?: Dataset | undefined;
}

/** The record of a defense: what `report.json` holds and the page is drawn from. */
export async function recordOf(
  defense: Defense,
  validation: Dataset,
  test: TestData | undefined,
  facts: RunFacts,
): Promise<RunRecord> {
  const { prunings, maxDrop, tune, gradients, layers } = defense;
  const [first, ...others] = prunings;
  const { optimizer, augment, vary, ...tuneSettings } = tune;
  const scenes = test && (await scenesOf(defense.outcomes, test));
  const entry = async (role: RunRecord['data'][number]['role'], dataset: Dataset) => ({
    role,
    name: dataset.name,
    count: dataset.length,
    sha256: await digest(dataset),
    source: facts.source,
  });
  return {
    tool: {
      name: 'fineprune',
      version: VERSION,
      backend: facts.runtime.backend,
      runtimeVersion: facts.runtime.version,
    },
    command: facts.command,
    seed: defense.seed,
    settings: {
      ...facts.settings,
      maxDrop,
      ...(defense.runs > 1 && { runs: defense.runs }),
      rank: first.rank,
      fold: first.fold.into,
      ...(defense.frozen.length > 0 && {
        frozen: defense.frozen.map(({ parameter, op, why }) => `${parameter}: ${op}, ${why}`),
      }),
      fineTuning: {
        ...plain(tuneSettings),
        ...(vary && { vary: [...vary] }),
        ...(augment && { augment: 'by the caller' }),
        layers: typeof layers === 'string' ? layers : [...layers],
        optimizer: plain(optimizer),
      },
    },
    input: facts.input,
    output: facts.output,
    data: [
      ...(facts.train ? [await entry('train', facts.train)] : []),
      await entry('validation', validation),
      ...(test ? [await entry('test', test.clean)] : []),
      ...(test?.triggered ? [await entry('triggered', test.triggered.dataset)] : []),
    ],
    ...sitePart(first, maxDrop, gradients[0]),
    ...(others.length > 0 && {
      others: others.map((other, index) => sitePart(other, maxDrop, gradients[index + 1])),
    }),
    slim: facts.slim,
    training: defense.outcomes.flatMap(({ method, tunings = [] }) =>
      tunings.map((tuning, run) =>
        trainingPart(
          tunings.length === 1 ? method : `${method}, run ${run + 1} of ${tunings.length}`,
          tuning,
          tune.keep,
        ),
      ),
    ),
    held: defense.held,
    confusions: confusionsOf(defense.outcomes[0], defense.outcomes.at(-1), test),
    layers: layersOf(defense),
    evaluations: defense.outcomes.flatMap(({ method, evaluation }) =>
      evaluation ? [{ name: method, evaluation }] : [],
    ),
    examples: test && !scenes ? await examplesOf(defense, test) : [],
    scenes,
    verdict: verdictOf(defense),
  };
}

/** Settings as JSON has them: what is undefined is left out. */
const plain = (settings: object) =>
  JSON.parse(JSON.stringify(settings)) as { [name: string]: Setting };

function trainingPart(name: string, tuning: FineTuning, keep: Training['keep']): Training {
  const { epochs, chosen, start, rate, found, retries } = tuning;
  return {
    name,
    epochs: epochs.map(({ epoch, loss, held, rate: learningRate }) => ({
      epoch,
      loss,
      validation: held,
      learningRate,
    })),
    chosen,
    keep,
    start: { loss: start.loss, validation: start.held },
    rate,
    ...(found && { found: { edge: found.edge, trail: [...found.trail] } }),
    retries: [...retries],
  };
}

type Training = NonNullable<RunRecord['training']>[number];

type SitePart = Pick<
  RunRecord,
  'site' | 'profile' | 'gradient' | 'order' | 'curve' | 'quiet' | 'stop'
>;

function sitePart(pruning: SitePruning, maxDrop: number, gradient?: Float64Array): SitePart {
  const { site, profile, triggeredProfile, order, curve, testCurve, quiet } = pruning;
  const { dead, dormant, possibleDecoys } = quiet;
  return {
    site: { name: site.name, units: site.units, axis: site.axis, dims: [...site.dims] },
    profile: {
      clean: [...profile],
      ...(triggeredProfile && { triggered: [...triggeredProfile] }),
    },
    ...(gradient && { gradient: [...gradient] }),
    order: [...order],
    curve: curve.map((point) => ({
      ...point,
      ...testCurve.find(({ pruned }) => pruned === point.pruned)?.evaluation,
    })),
    quiet: { dead: [...dead], dormant: [...dormant], possibleDecoys: [...possibleDecoys] },
    stop: { pruned: pruning.pruned.length, maxDrop, reason: reasonOf(pruning, maxDrop) },
  };
}

function reasonOf({ stop }: SitePruning, maxDrop: number): string {
  if (stop === 'share') return 'the share of units that was asked for';
  return stop === 'drop'
    ? `with one more, validation accuracy would have fallen by more than ${percent(maxDrop, 1)}`
    : 'all units but one could be pruned within the allowed drop';
}

/**
 * Attack success that a repaired network may be left with. The paper's best are 0 and 2%; a network
 * without a backdoor, too, takes some triggered inputs for the target, by mistake.
 */
const REPAIRED = 0.05;

/**
 * Whether the network was repaired, in plain words. With triggered data: attack success at most 5%.
 * In any case: clean accuracy not below the allowed drop, on test data, which chose nothing, or where
 * there are none on held validation data. `repaired` is null where nobody can know: no triggered data
 * was given, or the trigger did nothing to begin with.
 */
export function verdictOf(defense: Defense): RunRecord['verdict'] {
  const { outcomes, held, maxDrop } = defense;
  const before = (outcomes[0] as Outcome).evaluation;
  const after = (outcomes.at(-1) as Outcome).evaluation;
  const done = doneIn(defense);
  const [had, has, where] =
    before && after
      ? [before.acc, after.acc, 'test data']
      : [held.before, held.after, 'held validation data'];
  const lost = drop(had, has);
  if (lost > maxDrop) {
    // Of a detector it is a mean average precision that fell, which is no count.
    const counted = had.map === undefined ? ` (${had.hits} to ${has.hits} of ${has.of})` : '';
    return {
      repaired: false,
      text: `Not repaired: clean accuracy fell by ${percent(lost)} on ${where}${counted}, more than the ${percent(maxDrop)} allowed (${done}).`,
    };
  }
  if (isLeftOut(outcomes.at(-1))) {
    return {
      repaired: false,
      text: `Not repaired: fine-tuning made the network worse at every rate that was tried, and was left out (${done}).`,
    };
  }
  if (!before?.asr?.of || !after?.asr) {
    return {
      repaired: null,
      text: `The network was treated (${done}). Whether a backdoor was in it cannot be told without triggered data.`,
    };
  }
  const what = had.map === undefined ? 'clean accuracy' : 'mean average precision';
  const change =
    lost > 0
      ? `at a cost of ${(100 * lost).toFixed(2)} points of ${what}`
      : `at no cost of ${what}`;
  const rates = `attack success went from ${percent(before.asr.rate)} to ${percent(after.asr.rate)}`;
  if (after.asr.rate > REPAIRED) {
    return { repaired: false, text: `Not repaired: ${rates} ${change} (${done}).` };
  }
  return before.asr.rate > REPAIRED
    ? { repaired: true, text: `Repaired: ${rates} ${change} (${done}).` }
    : {
        repaired: null,
        text: `This trigger opened no backdoor to begin with: ${rates} ${change} (${done}).`,
      };
}

/** Whether it was fine-tuned in vain. */
function isLeftOut({ tunings = [] }: Partial<Outcome> = {}): boolean {
  return tunings.length > 0 && tunings.every(({ chosen }) => chosen === 0);
}

function doneIn({ outcomes, prunings }: Defense): string {
  const sum = (of: (pruning: SitePruning) => number) =>
    prunings.reduce((total, pruning) => total + of(pruning), 0);
  const where = prunings.length > 1 ? ` at ${prunings.length} sites` : '';
  const pruned = `${sum(({ pruned }) => pruned.length)} of ${sum(({ site }) => site.units)} units${where} were pruned`;
  const last = outcomes.at(-1) as Outcome;
  const { method } = last;
  if (isLeftOut(last)) return method === 'fine-tuning' ? 'nothing was changed' : pruned;
  const runs = last.tunings?.length ?? 0;
  const tuned = runs > 1 ? `fine-tuned in ${runs} runs, of which this is the mean` : 'fine-tuned';
  if (method === 'fine-tuning') return `${tuned}, no unit pruned`;
  return method === 'pruning' ? pruned : `${pruned}, the rest ${tuned}`;
}

/** The first test samples of as many classes, with what the network says before and after. */
async function examplesOf(defense: Defense, test: TestData, count = 8): Promise<Example[]> {
  const { labels, classes } = test.clean;
  const clean = picturesOf(test.clean);
  const triggered = test.triggered && picturesOf(test.triggered.dataset);
  const [before, after] = [defense.outcomes[0], defense.outcomes.at(-1)];
  if (!before?.predictions || !after?.predictions) return [];
  const firsts = classes.map((_, label) => labels.indexOf(label)).filter((index) => index >= 0);
  const name = (predicted: Int32Array | undefined, index: number) =>
    classes[predicted?.[index] ?? -1] ?? '';
  const examples: Example[] = [];
  for (const index of firsts.slice(0, count)) {
    const image = await pictureOf(clean, index);
    const other = triggered && (await pictureOf(triggered, index));
    examples.push({
      ...(image && { image }),
      label: classes[labels[index] as number] as string,
      before: name(before.predictions.clean.called, index),
      after: name(after.predictions.clean.called, index),
      ...(triggered && {
        ...(other && { triggeredImage: other }),
        beforeTriggered: name(before.predictions.triggered?.called, index),
        afterTriggered: name(after.predictions.triggered?.called, index),
      }),
    });
  }
  return examples;
}

/** A sample as a picture; nothing where it is no image, such as a waveform or a row of a table. */
async function pictureOf(dataset: Dataset, index: number): Promise<Picture | undefined> {
  const { sample } = dataset;
  if (sample.length !== 3 || ![1, 3, 4].includes(sample[0] ?? 0)) return undefined;
  const values = new Float32Array(sizeOf(sample));
  await dataset.read([index], values);
  return pixelsFromPlanes(values, sample, { low: 0, high: 1 });
}
