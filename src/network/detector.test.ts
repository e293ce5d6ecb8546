import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { blocks } from '../../test/helpers/data.ts';
import { specOf, VALUES } from './detection/spec.ts';
import { detectorNetwork } from '../lab/networks/detector.ts';
import { lastOf, tuningOf } from '../../test/helpers/repair.ts';
import { repair, type RepairOptions } from '../defense/index.ts';
import { openNetwork } from './open.ts';

const SIZE = [48, 48] as const;
const model = detectorNetwork(1, { ...specOf(['red', 'blue'], SIZE), anchors: [12, 20] }, 16);
const scenes = blocks(8, SIZE, 5);
const runtime = await testRuntime();

/** All weights, after one epoch in which nothing but the patches is up to chance. */
async function tunedWith({ scenes: how = {}, ...settings }: RepairOptions) {
  const network = await openNetwork(runtime, model, scenes, { scenes: how });
  const made = await repair(runtime, network, scenes, {
    method: 'fine-tuning',
    epochs: 1,
    keep: 'last',
    ...settings,
  });
  return [...lastOf(made).network.graph.initializers.values()].flatMap(({ data }) => [
    ...(data as Float32Array),
  ]);
}

test('patches are put on objects, of a network that was made ready before they were asked for', async () => {
  const plain = await tunedWith({});
  const covered = await tunedWith({ occlusion: 0.5 });
  expect(covered).not.toEqual(plain);
  // What else `scenes` says of patches stays: of no class, none.
  const nowhere = { erasing: { classes: [], share: 1, most: 1, times: 1 } };
  expect(await tunedWith({ scenes: nowhere, occlusion: 0.5 })).toEqual(plain);
});

const most = (size: number) => ({ erasing: { share: 0.7, times: 3, most: size } });

test('patches are as large as `scenes` says, unless `tune` says otherwise; of size 0, none', async () => {
  const small = await tunedWith({ scenes: most(0.1) });
  expect(small).not.toEqual(await tunedWith({ scenes: most(0.5) }));
  expect(small).toEqual(await tunedWith({ scenes: most(0.5), occlusion: 0.1 }));
  expect(await tunedWith({ scenes: most(0.5), occlusion: 0 })).toEqual(await tunedWith({}));
});

test('unless told otherwise, objects are covered, and what names regions is tuned with the last convolution', async () => {
  const method = 'fine-tuning';
  const made = await repair(runtime, model, scenes, { method, epochs: 1, rate: 0.001 });
  const { settings } = tuningOf(made);
  expect(settings).toMatchObject({ occlusion: 0.5, batchSize: 16, layers: 'regions' });
  const { initializers } = lastOf(made).network.graph;
  const before = made.given.graph.initializers;
  const changed = made.given.parameters.filter(
    (name) => String(initializers.get(name)?.data) !== String(before.get(name)?.data),
  );
  const tuned = ['conv5', 'conv5.norm', 'fc', VALUES.logits, VALUES.regionDeltas];
  const both = tuned.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
  expect(changed.toSorted()).toEqual(both.filter((name) => name !== 'conv5.bias').toSorted());
});

test('a rate that is to be found is the usual one, in whose units weight decay counts', async () => {
  const made = await repair(runtime, model, scenes, { step: 32, epochs: 1, rate: 'auto' });
  expect(tuningOf(made).settings).toMatchObject({ rate: 0.06, optimizer: { weightDecay: 5e-4 } });
});

test.each<RepairOptions>([{ shift: 1 }, { augment: ['color'] }, { transform: () => {} }])(
  'what moves pictures without their boxes is refused: %o',
  async (settings) => {
    await expect(repair(runtime, model, scenes, settings)).rejects.toMatchObject({
      code: 'defense/no-picture',
    });
  },
);
