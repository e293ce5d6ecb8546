import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { arrayDataset, type Dataset, random } from '../../src/data/index.ts';
import { openClassifier } from '../../src/network/index.ts';
import { defaultSites, predictionsAlong, sitesOf } from '../../src/channels/index.ts';
import {
  conv,
  finish,
  flatten,
  linear,
  network,
  pool,
  relu,
} from '../../src/lab/networks/layers.ts';
import { type Model, sizeOf } from '../../src/onnx/index.ts';
import { loadPlot } from '../../src/report/charts/svg.ts';
import { nodeRuntime, type Runtime } from '../../src/runtime/index.ts';
import { trainedIn } from '../networks/index.ts';
import { watchOthers } from '../others.ts';
import type { Row, Section } from '../section.ts';
import { ready } from './training.ts';
import { median } from '../statistics.ts';

interface ScaleRow extends Row {
  /** The size that grows, and its value. */
  readonly axis: Axis;
  readonly size: number;
  readonly ms: number;
  readonly others: number;
}

const SAMPLE = [3, 16, 16];

/** For each axis: the measurement, the sizes, and their unit. */
const AXES = {
  images: { sizes: [1000, 2000, 4000, 8000], title: 'pruning curve of 64 units', unit: 'images' },
  units: { sizes: [32, 64, 128, 256], title: 'pruning curve of 2,000 images', unit: 'units' },
  parameters: {
    sizes: [256, 512, 1024, 2048],
    title: 'training step, batch 8',
    unit: 'parameters',
  },
  batch: { sizes: [16, 32, 64, 128], title: 'training step', unit: 'images in a batch' },
} as const;
type Axis = keyof typeof AXES;

/** The growth of cost with images, units, parameters and batch size; plotted for experiments/performance.md. */
export const scale: Section<ScaleRow> = {
  name: 'scale',
  async run({ runs, print }) {
    const runtime = await nodeRuntime({ threads: 1 });
    const rows: ScaleRow[] = [];
    for (const axis of Object.keys(AXES) as Axis[]) {
      for (const step of AXES[axis].sizes) {
        const others = watchOthers();
        const { size, times } = await tried[axis](runtime, step, runs);
        const ms = median(times);
        rows.push({ network: 'scaled', what: `${axis} ${size}`, axis, size, ms, others: others() });
        print(`  ${size} ${AXES[axis].unit}: ${ms.toFixed(1)} ms`);
      }
    }
    for (const axis of Object.keys(AXES) as Axis[]) await draw(axis, rows);
    return rows;
  },
};

interface Tried {
  readonly size: number;
  readonly times: readonly number[];
}

const tried: Readonly<
  Record<Axis, (runtime: Runtime, size: number, runs: number) => Promise<Tried>>
> = {
  images: async (runtime, size, runs) => ({
    size,
    times: await curveTimes(runtime, scaled(64, 64), size, runs),
  }),
  units: async (runtime, size, runs) => ({
    size,
    times: await curveTimes(runtime, scaled(size, 64), 2000, runs),
  }),
  parameters: async (_, hidden, runs) => {
    const model = scaled(64, hidden);
    const { initializers } = model.graph;
    const size = trainedIn(model.graph).reduce(
      (sum, name) => sum + sizeOf(initializers.get(name)?.dims ?? []),
      0,
    );
    return { size, times: await stepTimes(model, 8, runs) };
  },
  batch: async (_, size, runs) => ({
    size,
    times: await stepTimes(scaled(64, 64), size, runs),
  }),
};

/** Two convolutions, the second with `units` units, and a hidden layer. */
function scaled(units: number, hidden: number): Model {
  const net = network(0);
  let x = net.b.input('image', 'float32', ['N', ...SAMPLE]);
  for (const [name, from, to] of [
    ['conv1', 3, 16],
    ['conv2', 16, units],
  ] as const) {
    const made = conv(net, x, name, { from, to, kernel: 3, pad: 1 });
    x = pool(net, 'MaxPool', relu(net, made, `${name}.relu`), `${name}.pool`);
  }
  const fc = linear(net, flatten(net, x), 'fc1', units * 16, hidden);
  return finish(net, linear(net, relu(net, fc, 'fc1.relu'), 'fc2', hidden, 10), 10, {
    name: 'scaled',
  });
}

async function curveTimes(runtime: Runtime, model: Model, images: number, runs: number) {
  const dataset = noise(images);
  const classifier = await openClassifier(runtime, model, dataset);
  const sites = sitesOf(classifier.traced, classifier.scores);
  const site = defaultSites(classifier.traced, sites, classifier.scores).sites[0];
  const order = Array.from({ length: site.units }, (_, unit) => unit);
  const times: number[] = [];
  for (let run = -1; run < runs; run += 1) {
    const started = performance.now();
    for await (const point of predictionsAlong(runtime, classifier, site, dataset, order)) {
      void point;
    }
    if (run >= 0) times.push(performance.now() - started);
  }
  return times;
}

async function stepTimes(model: Model, batch: number, runs: number) {
  const about = { name: 'scaled', batch, sample: SAMPLE, classes: 10, logits: 'fc2' };
  const { step, train } = await ready({ ...about, build: () => model }, 1);
  await train(3);
  const times = await train(5 * runs);
  await step.dispose();
  return times;
}

function noise(images: number): Dataset {
  const draw = random(0, 'bench');
  return arrayDataset({
    name: 'noise',
    classes: Array.from({ length: 10 }, (_, label) => String(label)),
    sample: SAMPLE,
    labels: new Int32Array(images),
    data: Uint8Array.from({ length: images * sizeOf(SAMPLE) }, () => draw.integer(256)),
    divisor: 255,
  });
}

/** The measurements, and a line through the origin and the last one: linear growth lies on it. */
async function draw(axis: Axis, rows: readonly ScaleRow[]): Promise<void> {
  const { title, unit } = AXES[axis];
  const points = rows.filter((row) => row.axis === axis);
  const last = points.at(-1) as ScaleRow;
  const { Plot, draw: plot } = await loadPlot();
  const { markup } = plot(
    {
      width: 360,
      height: 240,
      marginLeft: 52,
      marginBottom: 42,
      x: { label: `${unit} →`, domain: [0, last.size], ticks: 4, tickFormat: '~s' },
      y: { label: `↑ ${title}, ms`, domain: [0, Math.max(...points.map(({ ms }) => ms))] },
      marks: [
        Plot.line([{ size: 0, ms: 0 }, last], { x: 'size', y: 'ms', stroke: '#999' }),
        Plot.dot(points, { x: 'size', y: 'ms', fill: '#2563eb', r: 4 }),
      ],
    },
    `${title} against ${unit}: ${points.map(({ size, ms }) => `${size}, ${ms.toFixed(0)} ms`).join('; ')}`,
  );
  // A standalone SVG has a white background, also on dark pages.
  const own = markup.replace('style="', 'style="background:white;');
  writeFileSync(
    fileURLToPath(new URL(`../../experiments/scale-${axis}.svg`, import.meta.url)),
    `${own}\n`,
  );
}
