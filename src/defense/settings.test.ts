import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { images, specimen } from '../../test/helpers/networks.ts';
import { repair, type RepairOptions } from './repair.ts';

async function run(options: RepairOptions) {
  const { model } = specimen('Conv with bias');
  return repair(await testRuntime(), model, images(20), { epochs: 1, batchSize: 8, ...options });
}

describe.each([
  ['epochs', [0, -1, 1.5, NaN]],
  ['runs', [0, -1, 1.5, NaN]],
  ['batchSize', [0, 2.5, NaN]],
  ['rate', [0, -0.1, NaN, Infinity]],
  ['weightDecay', [-1, NaN]],
  ['maxDrop', [-0.1, 1.1, NaN]],
  ['holdout', [0, 1, -0.2, NaN]],
  ['share', [-0.1, 2, NaN]],
  ['step', [0, 1.5, NaN]],
  ['interpolate', [0, 1.5, NaN]],
  ['occlusion', [-0.1, 1.5, NaN]],
  ['patience', [0, NaN]],
  ['shift', [-1, 0.5, NaN]],
  ['seed', [-1, 0.5, NaN]],
] as const)('%s', (key, values) => {
  test.each(values.map((value) => [value]))('of %d is refused by its name', async (value) => {
    const refused = expect(run({ [key]: value })).rejects;
    await refused.toMatchObject({
      code: 'defense/settings',
      message: expect.stringContaining(`${key}: `) as string,
    });
  });
});

test('undefined stands for the default, of every setting', async () => {
  const none = { maxDrop: undefined, rate: 0.01, share: undefined, optimizer: undefined };
  const more = { runs: undefined, augment: undefined, seed: undefined, step: undefined };
  const [plain, explicit] = [await run({ rate: 0.01 }), await run({ ...none, ...more })];
  expect(explicit.network.graph.initializers).toEqual(plain.network.graph.initializers);
  expect(explicit.outcomes.at(-1)?.steps[1]?.data).toEqual(plain.outcomes.at(-1)?.steps[1]?.data);
});

test('a misspelled setting is refused, with those that there are', async () => {
  const options = { epoch: 3 } as RepairOptions;
  await expect(run(options)).rejects.toThrow(/"epoch" is no setting of fine-pruning: .*epochs/);
});

test('a setting of another method is refused too', async () => {
  await expect(run({ method: 'pruning', rate: 0.01 })).rejects.toMatchObject({
    code: 'defense/settings',
  });
});

test('a method that is not there is refused, with those that there are', async () => {
  await expect(run({ method: 'fine-prune' })).rejects.toMatchObject({
    code: 'defense/unknown-method',
    message: expect.stringContaining('fine-pruning') as string,
  });
});
