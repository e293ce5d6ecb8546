import type { Dataset } from '../../data/index.ts';
import { sizeOf, type Tensor, type TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { argmax, openSession } from '../../train/index.ts';
import { type Network, joined, type Answers } from '../../network/index.ts';
import { prefix } from './prefix.ts';
import type { Site } from '../sites.ts';
import { type Kept, type StoreSettings, TensorStore } from './store.ts';
import { cutAfter, maskedSuffix, unitWeights, withoutUnits, type Cut } from './suffix.ts';

type Floats = TensorOf<'float32'>;

export interface CurveSettings {
  /** How the activations at the site are kept while masks are tried. */
  readonly cache?: StoreSettings | undefined;
  /** How many samples are run at once. */
  readonly batchSize?: number | undefined;
  /** Units pruned between two points. */
  readonly step?: number | undefined;
  /** A number of units at which there is a point besides. */
  readonly also?: number | undefined;
  /** Points up to this number of units are known already and left out; default: none is. */
  readonly from?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What the network says of every sample with more and more units of a site pruned.
 *
 * The network up to the site is run once; its activations are kept, and only what follows is run
 * for each mask. Where one layer sums over the units, even that is not run again: the share of the
 * unit pruned is taken away from the layer's output.
 *
 * @param order - units in the order of pruning
 * @returns answers on all samples, with 0, step, 2 step, ... and at last all units of `order` pruned
 * @throws ChannelsError 'channels/spill' where the activations fit neither in memory nor on the disk
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
    throw new RangeError(`step ${step}: must be a whole number from 1 on`);
  }
  const cut = cutAfter(classifier.graph, classifier.traced, site);
  const store = new TensorStore(settings.cache);
  let steps: Steps | undefined;
  try {
    steps = cut.layer
      ? await bySubtraction(runtime, classifier, cut as SummedCut, dataset, store, settings)
      : await byMask(runtime, classifier, cut, dataset, store, { ...settings, step });
    const { from = -1 } = settings;
    if (from < 0) yield { pruned: 0, answers: own(await steps.predict(), dataset) };
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
        if (due && pruned > from) yield { pruned, answers: own(answers, dataset) };
      }
    }
  } finally {
    await steps?.dispose();
    await store.dispose();
  }
}

/**
 * What the network says of every sample with each unit of a site silenced by itself, and all others as
 * they are. The network up to the site is run once.
 *
 * @returns answers on all samples, in the order of the units
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
      yield own(await steps.without(unit), dataset);
    }
  } finally {
    await steps?.dispose();
    await store.dispose();
  }
}

/** A graph of one batch size has its last batch filled up. */
function own(answers: Answers, dataset: Dataset): Answers {
  return answers.detections ? answers : { called: answers.called.subarray(0, dataset.length) };
}

interface Steps {
  /** How many units are pruned in one go; those after the one that stops a caller are wasted. */
  readonly ahead: number;
  predict(): Promise<Answers>;
  /** Prunes units one after another, and says what the network says after each. */
  prune(units: readonly number[]): Promise<Answers[]>;
  /** Prunes them without a word, where what follows does not depend on the way there. */
  skip?(units: readonly number[]): void;
  dispose(): Promise<void>;
}

/** A cut after which one layer sums over the units. */
type SummedCut = Cut & { readonly layer: NonNullable<Cut['layer']> };

interface MaskSteps extends Steps {
  /** What the network says with one unit silenced and no other. */
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
  const chunks: { readonly count: number; readonly kept: KeptRecord }[] = [];
  for await (const { values, count } of prefix(runtime, graph, input, wanted, dataset, settings)) {
    chunks.push({ count, kept: await keepAll(store, wanted, values) });
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
    for (const { count, kept } of chunks) {
      const results = await session.run({ ...(await readAll(kept)), [suffix.mask]: mask });
      parts.push(classifier.read(results, dataset, from));
      from += count;
    }
    return joined(parts);
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
    units: Kept<Floats>[];
    beside: KeptRecord;
    now: Kept<Floats>;
    first: Answers;
  }[] = [];
  for await (const { values } of prefix(runtime, graph, input, wanted, dataset, settings)) {
    const units: Kept<Floats>[] = [];
    for (const unit of apart(values[cut.value] as Floats, cut)) units.push(await store.keep(unit));
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
    predict: async () => joined(chunks.map((chunk) => chunk.first)),
    async prune(units) {
      const slices = units.map((unit) => unitWeights(parameter, weights, unit));
      const parts: Answers[][] = units.map(() => []);
      for (const chunk of chunks) {
        const feeds = { ...(await readAll(chunk.beside)), [minus.now]: await chunk.now.read() };
        const first = await (chunk.units[units[0] as number] as Kept<Floats>).read();
        for (const [place, names] of minus.units.entries()) {
          // A place too many takes nothing away.
          feeds[names.values] =
            place === 0 || units[place] === undefined
              ? first
              : await (chunk.units[units[place]] as Kept<Floats>).read();
          feeds[names.weights] = slices[place] ?? zerosLike(slices[0] as Floats);
        }
        const results = (await session.run(feeds)) as Record<string, Floats>;
        await chunk.now.write(results[minus.next] as Floats);
        for (const [place, part] of parts.entries()) {
          part.push({ called: argmax(results[minus.units[place]?.scores ?? ''] as Floats) });
        }
      }
      return parts.map(joined);
    },
    dispose: () => session.dispose(),
  };
}

type KeptRecord = Readonly<Record<string, Kept<Tensor>>>;

async function keepAll(
  store: TensorStore,
  names: readonly string[],
  values: Readonly<Record<string, Tensor>>,
): Promise<KeptRecord> {
  const kept: Record<string, Kept<Tensor>> = {};
  for (const name of names) kept[name] = await store.keep(values[name] as Tensor);
  return kept;
}

async function readAll(kept: KeptRecord): Promise<Record<string, Tensor>> {
  const values: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(kept)) values[name] = await tensor.read();
  return values;
}

/** The values of each unit, taken apart: one tensor a unit. */
function apart({ dims, data }: Floats, { channels: { axis, unit } }: Cut): Floats[] {
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
        // A view costs more than copying a few numbers.
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

/** Ascending numbers as runs of consecutive ones: where each starts, and how many it has. */
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
