import { expect, test } from 'vitest';
import { arrayDataset, random } from '../data/index.ts';
import { conv, finish, flatten, linear, network, relu } from '../lab/networks/layers.ts';
import { nodeRuntime } from '../runtime/index.ts';
import { lastOf, tuningOf } from '../../test/helpers/repair.ts';
import { repair } from '../defense/index.ts';

const runtime = await nodeRuntime({ threads: 1 });
const draw = random(0, 'freeze');
const clean = arrayDataset({
  name: 'noise',
  classes: ['a', 'b', 'c'],
  sample: [1, 6, 6],
  labels: Int32Array.from({ length: 40 }, (_, i) => i % 3),
  data: Float32Array.from({ length: 40 * 36 }, () => draw.uniform()),
});
const settings = { maxDrop: 1, epochs: 1, batchSize: 8, rate: 0.1 } as const;

/** A network whose first layer is cut off by `op`, which takes the tensor as it comes. */
function cutBy(op: string | undefined) {
  const net = network(0);
  const x = net.b.input('image', 'float32', ['N', 1, 6, 6]);
  const first = relu(net, conv(net, x, 'conv1', { from: 1, to: 4, kernel: 3 }), 'relu1');
  const kept = op === undefined ? first : net.b.op(op, [first], { axis: 1 });
  const second = relu(net, conv(net, kept, 'conv2', { from: 4, to: 5, kernel: 3 }), 'relu2');
  return finish(net, linear(net, flatten(net, second), 'fc', 20, 3), 3, { name: 'cut' });
}

test('an operator without a gradient ends the run and says what else could be trained', async () => {
  const run = repair(runtime, cutBy('Hardmax'), clean, settings);
  await expect(run).rejects.toMatchObject({ code: 'autodiff/unsupported' });
  await expect(run).rejects.toThrow(/Hardmax.+blocks "conv1\.weight", "conv1\.bias"/s);
  await expect(run).rejects.toThrow(/the rest, 4 of 6 parameters: "conv2\.weight"/);
});

test('frozen, what it blocks is reported and does not change, and the rest is trained', async () => {
  const model = cutBy('Hardmax');
  const made = await repair(runtime, model, clean, {
    ...settings,
    freezeUnsupported: true,
  });
  expect(tuningOf(made).frozen).toEqual([
    expect.stringMatching(/^conv1\.weight: Hardmax/),
    expect.stringMatching(/^conv1\.bias: Hardmax/),
  ]);
  const after = lastOf(made).network.graph.initializers;
  const before = model.graph.initializers;
  expect(after.get('conv1.weight')).toEqual(before.get('conv1.weight'));
  expect(after.get('fc.weight')).not.toEqual(before.get('fc.weight'));
});

test('where everything can be trained, nothing is frozen', async () => {
  const made = await repair(runtime, cutBy(undefined), clean, {
    ...settings,
    freezeUnsupported: true,
  });
  expect(tuningOf(made).frozen).toEqual([]);
});
