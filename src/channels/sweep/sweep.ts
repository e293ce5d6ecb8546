import type { Dataset } from '../../data/index.ts';
import { sizeOf, type Tensor, type TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { argmax, openSession } from '../../train/index.ts';
import { type Network, concatAnswers, type Answers } from '../../network/index.ts';
import { prefix } from './prefix.ts';
import { ChannelsError } from '../error.ts';
import type { Site } from '../sites.ts';
import { type Stored, type StoreSettings, TensorStore } from './store.ts';
import { cutAfter, maskedSuffix, unitWeights, withoutUnits, type Cut } from './suffix.ts';

type Floats = TensorOf<'float32'>;

export interface CurveSettings {
  /** How the activations at the site are stored while masks are tried. */
  readonly cache?: StoreSettings | undefined;
  /** How many samples are run at once. */
  readonly batchSize?: number | undefined;
  /** Units pruned between two points; an integer of at least 1, default 1. */
  readonly step?: number | undefined;
  /** A number of pruned units with an additional point. */
  readonly also?: number | undefined;
  /** Points up to this number of units are already known and are skipped; default: none. */
  readonly from?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The network's predictions for all samples, with more and more units of a site pruned.
 *
 * The network up to the site (the prefix) is run once and its activations are stored. Only the rest is run
 * for each mask. If one layer sums over the units, even that layer is not run again: the contribution of
 * the pruned unit is subtracted from the layer's output.
 *
 * @param order - units in the order of pruning
 * @returns predictions with 0, step, 2 step, ... and finally all units of `order` pruned
 * @throws ChannelsError 'channels/step' unless `step` is an integer of at least 1; 'channels/spill' if the
 *   activations fit neither in memory nor on the disk
 */
export async function* predictionsAlong(
  runtime: Runtime,
  classifier: Network,
  site: Site,
  dataset: Dataset,
  order: readonly number[],
  settings: CurveSettings = {},
): AsyncGenerator<{ pruned: number; answers: Answers }, void, undefined> {
  const step = settings.step ?? 1;
  if (!Number.isInteger(step) || step < 1) {
    throw new ChannelsError('channels/step', `step ${step}: must be an integer of at least 1`);
  }
  const cut = cutAfter(classifier.graph, classifier.traced, site);
  const store = new TensorStore(settings.cache);
  let steps: Steps | undefined;
  try {
    steps = cut.layer
      ? await bySubtraction(runtime, classifier, cut as SummedCut, dataset, store, settings)
      : await byMask(runtime, classifier, cut, dataset, store, { ...settings, step });
    const { from = -1 } = settings;
    if (from < 0) yield { pruned: 0, answers: withoutPadding(await steps.predict(), dataset) };
    for (let pruned = 0; pruned < order.length;) {
      settings.signal?.throwIfAborted();
      const block = order.slice(pruned, pruned + steps.ahead);
      if (steps.skip && pruned + block.length <= from) {
        steps.skip(block);
        pruned += block.length;
        continue;
      }
      for (const answers of await steps.prune(block)) {
        pruned += 1;
        const due = pruned % step === 0 || pruned === settings.also || pruned === order.length;
        if (due && pruned > from) yield { pruned, answers: withoutPadding(answers, dataset) };
      }
    }
  } finally {
    await steps?.dispose();
    await store.dispose();
  }
}

/**
 * Ablation: the network's predictions for all samples with each single unit of a site set to zero. The
 * network up to the site is run once.
 *
 * @returns predictions for all samples, in the order of the units
 * @throws ChannelsError 'channels/spill' if the activations fit neither in memory nor on the disk
 */
export async function* predictionsWithoutEach(
  runtime: Runtime,
  classifier: Network,
  site: Site,
  dataset: Dataset,
  settings: Omit<CurveSettings, 'step' | 'from'> = {},
): AsyncGenerator<Answers, void, undefined> {
  const cut = cutAfter(classifier.graph, classifier.traced, site);
  const store = new TensorStore(settings.cache);
  let steps: MaskSteps | undefined;
  try {
    steps = await byMask(runtime, classifier, cut, dataset, store, { ...settings, step: 1 });
    for (let unit = 0; unit < site.units; unit += 1) {
      settings.signal?.throwIfAborted();
      yield withoutPadding(await steps.without(unit), dataset);
    }
  } finally {
    await steps?.dispose();
    await store.dispose();
  }
}

/** Drops the rows that pad the last batch of a graph with a fixed batch size. */
function withoutPadding(answers: Answers, dataset: Dataset): Answers {
  return answers.detections ? answers : { called: answers.called.subarray(0, dataset.length) };
}

interface Steps {
  /** How many units are pruned in one call; if the caller stops early, the rest is wasted. */
  readonly ahead: number;
  predict(): Promise<Answers>;
  /** Prunes units one after another and predicts after each. */
  prune(units: readonly number[]): Promise<Answers[]>;
  /** Prunes units without predictions; only if later predictions do not depend on earlier ones. */
  skip?(units: readonly number[]): void;
  dispose(): Promise<void>;
}

/** A cut after which one layer sums over the units. */
type SummedCut = Cut & { readonly layer: NonNullable<Cut['layer']> };

interface MaskSteps extends Steps {
  /** Predicts with this unit, and no other, set to zero. */
  without(unit: number): Promise<Answers>;
}

async function byMask(
  runtime: Runtime,
  classifier: Network,
  cut: Cut,
  dataset: Dataset,
  store: TensorStore,
  settings: CurveSettings & { readonly step: number },
): Promise<MaskSteps> {
  const { graph, traced, input } = classifier;
  const suffix = maskedSuffix(graph, traced, cut, classifier.outputs);
  const wanted = [cut.value, ...suffix.beside];
  const chunks: { readonly count: number; readonly stored: StoredRecord }[] = [];
  for await (const { values, count } of prefix(runtime, graph, input, wanted, dataset, settings)) {
    chunks.push({ count, stored: await keepAll(store, wanted, values) });
  }
  const session = await openSession(runtime, suffix.graph, {
    input: cut.value,
    outputs: classifier.outputs,
  });
  const { axis, unit } = cut.channels;
  const rank = traced.values.get(cut.value)?.dims.length ?? 2;
  const mask: Floats = {
    type: 'float32',
    dims: Array.from({ length: rank }, (_, i) => (i === axis ? unit.length : 1)),
    data: new Float32Array(unit.length).fill(1),
  };
  const predict = async () => {
    const parts: Answers[] = [];
    let from = 0;
    for (const { count, stored } of chunks) {
      const results = await session.run({ ...(await readAll(stored)), [suffix.mask]: mask });
      parts.push(classifier.read(results, dataset, from));
      from += count;
    }
    return concatAnswers(parts);
  };
  const skip = (units: readonly number[]) => {
    const gone = new Set(units);
    unit.forEach((u, index) => {
      if (gone.has(u)) mask.data[index] = 0;
    });
  };
  return {
    ahead: settings.step,
    predict,
    skip,
    without(unit) {
      mask.data.fill(1);
      skip([unit]);
      return predict();
    },
    async prune(units) {
      skip(units);
      const answers = await predict();
      return units.map(() => answers);
    },
    dispose: () => session.dispose(),
  };
}

async function bySubtraction(
  runtime: Runtime,
  { graph, traced, input, scores }: Network,
  cut: SummedCut,
  dataset: Dataset,
  store: TensorStore,
  settings: CurveSettings,
): Promise<Steps> {
  const { node, weights } = cut.layer;
  const made = node.outputs[0] as string;
  const minus = withoutUnits(graph, traced, cut.layer, scores);
  const wanted = [cut.value, made, scores, ...minus.beside];
  const chunks: {
    units: Stored<Floats>[];
    beside: StoredRecord;
    now: Stored<Floats>;
    first: Answers;
  }[] = [];
  for await (const { values } of prefix(runtime, graph, input, wanted, dataset, settings)) {
    const units: Stored<Floats>[] = [];
    for (const unit of splitByUnit(values[cut.value] as Floats, cut)) {
      units.push(await store.keep(unit));
    }
    chunks.push({
      units,
      beside: await keepAll(store, minus.beside, values),
      now: await store.keep(values[made] as Floats),
      first: { called: argmax(values[scores] as Floats) },
    });
  }
  const outputs = minus.graph.outputs.map(({ name }) => name);
  const session = await openSession(runtime, minus.graph, { input: minus.now, outputs });
  const parameter = graph.initializers.get(node.inputs[weights.input] as string) as Floats;
  return {
    ahead: minus.units.length,
    predict: async () => concatAnswers(chunks.map((chunk) => chunk.first)),
    async prune(units) {
      const slices = units.map((unit) => unitWeights(parameter, weights, unit));
      const parts: Answers[][] = units.map(() => []);
      for (const chunk of chunks) {
        const feeds = { ...(await readAll(chunk.beside)), [minus.now]: await chunk.now.read() };
        const first = await (chunk.units[units[0] as number] as Stored<Floats>).read();
        for (const [slot, names] of minus.units.entries()) {
          // An unused slot has weights of zero and subtracts nothing.
          feeds[names.values] =
            slot === 0 || units[slot] === undefined
              ? first
              : await (chunk.units[units[slot]] as Stored<Floats>).read();
          feeds[names.weights] = slices[slot] ?? zerosLike(slices[0] as Floats);
        }
        const results = (await session.run(feeds)) as Record<string, Floats>;
        await chunk.now.write(results[minus.next] as Floats);
        for (const [slot, part] of parts.entries()) {
          part.push({ called: argmax(results[minus.units[slot]?.scores ?? ''] as Floats) });
        }
      }
      return parts.map(concatAnswers);
    },
    dispose: () => session.dispose(),
  };
}

type StoredRecord = Readonly<Record<string, Stored<Tensor>>>;

async function keepAll(
  store: TensorStore,
  names: readonly string[],
  values: Readonly<Record<string, Tensor>>,
): Promise<StoredRecord> {
  const stored: Record<string, Stored<Tensor>> = {};
  for (const name of names) stored[name] = await store.keep(values[name] as Tensor);
  return stored;
}

async function readAll(stored: StoredRecord): Promise<Record<string, Tensor>> {
  const values: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(stored)) values[name] = await tensor.read();
  return values;
}

/** Splits a value into one tensor per unit. */
function splitByUnit({ dims, data }: Floats, { channels: { axis, unit } }: Cut): Floats[] {
  const inner = sizeOf(dims.slice(axis + 1));
  const outer = sizeOf(dims.slice(0, axis));
  const width = dims[axis] as number;
  const places: number[][] = [];
  unit.forEach((u, index) => {
    if (u >= 0) (places[u] ??= []).push(index);
  });
  return places.map((own) => {
    const values = new Float32Array(outer * own.length * inner);
    const runs = runsOf(own);
    for (let o = 0, at = 0; o < outer; o += 1) {
      for (const [place, count] of runs) {
        const start = (o * width + place) * inner;
        const end = start + count * inner;
        // For a few numbers a loop is faster than a subarray.
        if (end - start > 64) values.set(data.subarray(start, end), at);
        else for (let i = start; i < end; i += 1) values[at + i - start] = data[i] as number;
        at += end - start;
      }
    }
    return {
      type: 'float32',
      dims: dims.map((dim, i) => (i === axis ? own.length : dim)),
      data: values,
    };
  });
}

/** Ascending numbers as runs of consecutive ones: the first of each run, and the length. */
function runsOf(numbers: readonly number[]): [start: number, count: number][] {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[0] + last[1] === number) last[1] += 1;
    else runs.push([number, 1]);
  }
  return runs;
}

function zerosLike({ type, dims, data }: Floats): Floats {
  return { type, dims, data: new Float32Array(data.length) };
}
