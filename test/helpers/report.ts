/** For tests only: a record of a plausible run, without randomness. */
import { rate } from '../../src/metrics/interval.ts';
import type { PrunedSite, PruningStep, TuningStep } from '../../src/defense/index.ts';
import type { Example, RunRecord } from '../../src/report/run/record.ts';

const UNITS = 60;
const STOP = 46;

const share = (p: number, of: number) => rate(Math.round(p * of), of);

/** A pseudorandom value from 0 to 1 for each number. */
const noise = (i: number) => {
  const x = Math.sin(i * 12.9898) * 43_758.5453;
  return x - Math.floor(x);
};

// The units of rank 31 to 38 belong to the backdoor.
const order = Array.from({ length: UNITS }, (_, rank) => (rank * 23 + 7) % UNITS);
const clean = Array.from({ length: UNITS }, () => 0);
const triggered = Array.from({ length: UNITS }, () => 0);
order.forEach((unit, rank) => {
  clean[unit] = rank < 26 ? 0.0004 * rank : 0.012 * Math.exp((rank - 26) / 7.2);
  triggered[unit] =
    rank > 30 && rank < 39 ? 1.1 + 0.9 * noise(rank) : clean[unit] * (0.8 + 0.4 * noise(rank));
});

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

const curve: PrunedSite['curve'] = Array.from({ length: UNITS }, (_, pruned) => {
  const accuracy = 0.1 + 0.8915 * logistic((53.5 - pruned) / 1.35);
  const attack = 0.06 + 0.938 * logistic((37.2 - pruned) / 1.2);
  return {
    pruned,
    unit: pruned === 0 ? null : order[pruned - 1]!,
    validation: share(accuracy - 0.004 * noise(pruned), 2000),
    acc: share(accuracy, 10_000),
    asr: share(attack, 9020),
    ra: share(0.97 - attack * 0.969, 9020),
  };
});

const stop = curve[STOP]!;

function digit(seed: number, patch: boolean): Example['image'] {
  const pixels = Array.from({ length: 28 * 28 }, (_, i) => {
    const [x, y] = [i % 28, Math.floor(i / 28)];
    if (patch && x > 22 && y > 22 && x < 27 && y < 27) return (x + y) % 2 === 0 ? 255 : 0;
    const distance = Math.abs(Math.hypot(x - 13.5, (y - 13.5) * (0.6 + 0.1 * seed)) - 7);
    return Math.round(255 * Math.max(0, Math.min(1, 2 - distance)));
  });
  return { width: 28, height: 28, channels: 1, pixels };
}

const examples: Example[] = ['0', '3', '6', '7', '8', '9'].map((label, i) => ({
  image: digit(i, false),
  triggeredImage: digit(i, true),
  label,
  before: label,
  beforeTriggered: '1',
  after: label,
  afterTriggered: i === 3 ? '1' : label,
}));

const hash = (digit: string) => digit.repeat(64);

const SITE = '/conv2/Relu_output_0';

export const prunedSite: PrunedSite = {
  site: { name: SITE, units: UNITS, axis: 1, dims: [1, UNITS, 8, 8] },
  mask: 'producer',
  rank: 'mean',
  profile: { clean, triggered },
  order,
  curve,
  stop: { pruned: STOP, maxDrop: 0.004, reason: 'the next unit would cost more than 0.4 points' },
};

const pruning: PruningStep = {
  kind: 'pruning',
  by: 'pruning',
  summary: `${STOP} of ${UNITS} units were pruned`,
  seconds: 12.5,
  pruned: [
    { site: SITE, axis: 1, of: UNITS, units: order.slice(0, STOP).toSorted((a, b) => a - b) },
  ],
  data: { sites: [prunedSite] },
};

const tuning: TuningStep = {
  kind: 'tuning',
  by: 'fine-tuning',
  summary: 'the rest fine-tuned',
  seconds: 60,
  data: {
    settings: { epochs: 10, batchSize: 64, schedule: 'cosine' },
    trained: ['conv1.weight', 'conv2.weight'],
    frozen: [],
    runs: [
      {
        epochs: Array.from({ length: 10 }, (_, epoch) => ({
          epoch: epoch + 1,
          loss: 0.02 + 0.11 * Math.exp(-epoch / 2.5),
          validation: share(0.986 + 0.0045 * (1 - Math.exp(-epoch / 2)), 2000),
          learningRate: 0.001,
        })),
        chosen: 9,
        start: { loss: 0.31, validation: share(0.975, 2000) },
        rate: 0.0035,
        found: {
          edge: 0.0089,
          trail: [0.001, 0.002, 0.004, 0.008].map((rate) => ({ rate, loss: 0.3 + 20 * rate })),
        },
        retries: [
          { epoch: 2, rate: 0.014, because: 'loss', loss: 4.25 },
          { epoch: 2, rate: 0.0035, because: 'loss', loss: null },
        ],
      },
    ],
  },
};

export const fixture: RunRecord = {
  tool: { name: 'fineprune', version: '0.1.0', backend: 'native', runtimeVersion: '1.30.0' },
  host: { node: 'v20.19.0', platform: 'linux x64', threads: 2, seconds: 83.4 },
  command:
    'fineprune defend digits-backdoored.onnx --data validation.npz --test test.npz ' +
    '--triggered triggered.npz --max-drop 0.004 --seed 7 --output digits-repaired.onnx',
  seed: 7,
  settings: {
    maxDrop: 0.004,
    epochs: 10,
    learningRate: 0.001,
    batchSize: 64,
    optimizer: { name: 'adam', beta1: 0.9, beta2: 0.999 },
  },
  input: { path: 'models/digits-backdoored.onnx', sha256: hash('3') },
  output: { path: 'models/digits-repaired.onnx', sha256: hash('a') },
  data: [
    { role: 'validation', name: 'MNIST', count: 2000, sha256: hash('1'), source: 'real' },
    { role: 'test', name: 'MNIST', count: 10_000, sha256: hash('2'), source: 'real' },
    { role: 'triggered', name: 'MNIST', count: 9020, sha256: hash('c'), source: 'real' },
  ],
  holdout: { before: share(0.991, 400), after: share(0.99, 400) },
  reach: [
    {
      site: SITE,
      gradient: clean.map((value) => (value < 0.002 ? 0 : value / (20 + 10 * value))),
    },
  ],
  confusions: [
    { of: 'test', changed: [{ label: '4', predicted: '9', of: 982, before: 3, after: 11 }] },
    {
      of: 'triggered',
      changed: [{ label: '0', predicted: '7', of: 980, before: 978, after: 2 }],
    },
  ],
  layers: [
    { op: 'Conv', name: '/conv1/Conv', dims: [20, 24, 24], weights: 520, trained: true },
    { op: 'Conv', name: '/conv2/Conv', dims: [UNITS, 8, 8], weights: 30_060, trained: true },
    {
      op: 'Relu',
      name: '/conv2/Relu',
      dims: [UNITS, 8, 8],
      weights: 0,
      trained: false,
      site: '/conv2/Relu_output_0',
    },
    { op: 'Gemm', name: '/fc/Gemm', dims: [10], weights: 9610, trained: false },
  ],
  outcomes: [
    {
      method: 'none',
      evaluation: { acc: rate(9915, 10_000), asr: rate(9001, 9020), ra: rate(17, 9020) },
      steps: [],
    },
    {
      method: 'pruning',
      evaluation: { acc: stop.acc!, asr: stop.asr!, ra: stop.ra! },
      steps: [pruning],
    },
    {
      method: 'fine-pruning',
      evaluation: { acc: rate(9897, 10_000), asr: rate(26, 9020), ra: rate(8897, 9020) },
      steps: [pruning, tuning],
    },
  ],
  examples,
  verdict: {
    repaired: true,
    text:
      'The network carried a backdoor: with the trigger it gave the attacker’s label 99.79% of ' +
      'the time. After fine-pruning it does so 0.29% of the time, at a cost of 0.18 points of ' +
      'clean accuracy.',
  },
};
