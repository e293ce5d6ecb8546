import type { Dataset } from '../data/index.ts';
import { Builder } from '../graph/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import { boundsWithin, type Bounds } from '../ops/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { computeOutputs } from '../train/index.ts';
import type { Site } from './sites.ts';

/** Statistics of each unit's activation, after the nonlinearity, over a data set: one number per unit. */
export interface UnitStatistics {
  /** Mean over samples and positions (Fine-Pruning, section 3.1). */
  readonly mean: Float64Array;
  readonly 'mean-absolute': Float64Array;
  readonly max: Float64Array;
  readonly min: Float64Array;
  /** The share of samples for which the unit is above zero at some position. */
  readonly 'active-share': Float64Array;
  /** Standard deviation over samples and positions. */
  readonly std: Float64Array;
}

/** An axis of a value, along which bounds are measured. */
export interface ValueAxis {
  readonly value: string;
  readonly axis: number;
  readonly rank: number;
}

/** ONNX's codes of element types. */
const FLOAT = 1;
const DOUBLE = 11;

/**
 * Runs the network up to a site over a data set, once, and measures its units. Sums are in double
 * precision: a bias such as -1e20 that passes a leaky ReLU is a real activation, and its square is beyond
 * float32.
 *
 * @param along - values whose bounds are measured too, at each index of an axis
 */
export async function profileOf(
  runtime: Runtime,
  graph: Graph,
  input: string,
  site: Site,
  dataset: Dataset,
  {
    along = [],
    signal,
    onProgress,
  }: {
    readonly along?: readonly ValueAxis[] | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, all: number) => void) | undefined;
  } = {},
): Promise<{ readonly units: UnitStatistics; readonly bounds: readonly Bounds[] }> {
  const b = new Builder(graph);
  const over = (op: string, { value, axis, rank }: ValueAxis, keepdims: 0 | 1) => {
    const others = Array.from({ length: rank }, (_, i) => i).slice(1);
    const places = others.filter((other) => other !== axis);
    return places.length === 0
      ? b.op('Identity', [value])
      : b.op(op, [value, b.ints(places)], { keepdims });
  };
  const narrow = (value: string) => b.op('Cast', [value], { to: FLOAT });
  const at = { value: site.name, axis: site.axis, rank: site.dims.length + 1 };
  const wide = { ...at, value: b.op('Cast', [site.name], { to: DOUBLE }) };
  const off = b.op('Sub', [wide.value, over('ReduceMean', wide, 1)]);
  const absolute = { ...at, value: b.op('Abs', [wide.value]) };
  const squares = { ...at, value: b.op('Mul', [off, off]) };
  const names = {
    mean: narrow(over('ReduceMean', wide, 0)),
    absolute: narrow(over('ReduceMean', absolute, 0)),
    spread: narrow(b.op('Sqrt', [over('ReduceMean', squares, 0)])),
    max: over('ReduceMax', at, 0),
    min: over('ReduceMin', at, 0),
  };
  const ends = along.map((each) => [over('ReduceMin', each, 0), over('ReduceMax', each, 0)]);
  const outputs = [...new Set([...Object.values(names), ...ends.flat()])];
  const results = await computeOutputs(
    runtime,
    b.build(outputs.map((name) => ({ name }))),
    dataset,
    {
      input,
      outputs,
      signal,
      onProgress,
    },
  );
  const values = (name: keyof typeof names) => (results[names[name]] as TensorOf<'float32'>).data;
  return {
    units: statistics(site.units, {
      mean: values('mean'),
      absolute: values('absolute'),
      spread: values('spread'),
      max: values('max'),
      min: values('min'),
    }),
    bounds: ends.map(([low, high]) => ({
      low: boundsWithin(results[low as string] as TensorOf<'float32'>, 1).low,
      high: boundsWithin(results[high as string] as TensorOf<'float32'>, 1).high,
    })),
  };
}

/** Statistics of units from those of each sample, which have dims [samples, units]. */
function statistics(
  units: number,
  of: Readonly<Record<'mean' | 'absolute' | 'spread' | 'max' | 'min', Float32Array>>,
): UnitStatistics {
  const samples = of.mean.length / units;
  const total = (value: (at: number, unit: number) => number) =>
    Float64Array.from({ length: units }, (_, unit) => {
      let sum = 0;
      for (let at = unit; at < of.mean.length; at += units) sum += value(at, unit);
      return sum / samples;
    });
  const most = (values: Float32Array, better: (a: number, b: number) => number) =>
    Float64Array.from({ length: units }, (_, unit) => {
      let best = values[unit] as number;
      for (let at = unit; at < values.length; at += units)
        best = better(best, values[at] as number);
      return best;
    });
  const mean = total((at) => of.mean[at] as number);
  const variance = total(
    (at, unit) =>
      (of.spread[at] as number) ** 2 + ((of.mean[at] as number) - (mean[unit] as number)) ** 2,
  );
  return {
    mean,
    'mean-absolute': total((at) => of.absolute[at] as number),
    max: most(of.max, Math.max),
    min: most(of.min, Math.min),
    'active-share': total((at) => ((of.max[at] as number) > 0 ? 1 : 0)),
    std: variance.map(Math.sqrt),
  };
}

/** The mean activation of each unit of a site over a data set (Fine-Pruning, section 3.1). */
export async function activationProfile(
  runtime: Runtime,
  graph: Graph,
  input: string,
  site: Site,
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const found = await profileOf(runtime, graph, input, site, dataset, {
    signal,
  });
  return found.units.mean;
}

/**
 * Units from the least active to the most active: the order in which they are pruned. Ties are broken by
 * another statistic, and then by unit number.
 */
export function ascending(profile: ArrayLike<number>, ties: ArrayLike<number> = []): number[] {
  return Array.from({ length: profile.length }, (_, unit) => unit).sort(
    (a, b) =>
      (profile[a] as number) - (profile[b] as number) || (ties[a] ?? 0) - (ties[b] ?? 0) || a - b,
  );
}
