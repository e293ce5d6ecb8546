import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { blocks } from '../../test/helpers/data.ts';
import { specOf, VALUES } from './detection/spec.ts';
import { detectorNetwork } from '../lab/networks/detector.ts';
import { defend, type DefendSettings } from '../defense/index.ts';
import { openNetwork } from './open.ts';

const SIZE = [48, 48] as const;
const model = detectorNetwork(1, { ...specOf(['red', 'blue'], SIZE), anchors: [12, 20] }, 16);
const scenes = blocks(8, SIZE, 5);
const runtime = await testRuntime();

/** All weights, after one epoch in which nothing but the patches is up to chance. */
async function tunedWith(settings: Pick<DefendSettings, 'scenes' | 'tune'>) {
  const network = await openNetwork(runtime, model, scenes, { scenes: {}, ...settings });
  const tune = { epochs: 1, keep: 'last', ...settings.tune } as const;
  const method = 'fine-tuning';
  const { outcomes } = await defend(runtime, network, scenes, undefined, {
    method,
    step: 16,
    tune,
  });
  return [...(outcomes.at(-1)?.graph.initializers.values() ?? [])].flatMap(({ data }) => [
    ...(data as Float32Array),
  ]);
}

test('patches are put on objects, of a network that was made ready before they were asked for', async () => {
  const plain = await tunedWith({});
  const covered = await tunedWith({ tune: { cover: 0.5 } });
  expect(covered).not.toEqual(plain);
  // What else `scenes` says of patches stays: of no class, none.
  const nowhere = { cover: { classes: [], share: 1, most: 1, times: 1 } };
  expect(await tunedWith({ scenes: nowhere, tune: { cover: 0.5 } })).toEqual(plain);
});

const most = (size: number) => ({ cover: { share: 0.7, times: 3, most: size } });

test('patches are as large as `scenes` says, unless `tune` says otherwise; of size 0, none', async () => {
  const small = await tunedWith({ scenes: most(0.1) });
  expect(small).not.toEqual(await tunedWith({ scenes: most(0.5) }));
  expect(small).toEqual(await tunedWith({ scenes: most(0.5), tune: { cover: 0.1 } }));
  expect(await tunedWith({ scenes: most(0.5), tune: { cover: 0 } })).toEqual(await tunedWith({}));
});

test('unless told otherwise, objects are covered, and what names regions is tuned with the last convolution', async () => {
  const method = 'fine-tuning';
  const tune = { epochs: 1, rate: 0.001 };
  const { outcomes, ...made } = await defend(runtime, model, scenes, undefined, { method, tune });
  expect(made.tune).toMatchObject({ cover: 0.5, batchSize: 16 });
  expect(made.layers).toBe('regions');
  const { initializers } = outcomes.at(-1)?.graph ?? {};
  const before = made.classifier.graph.initializers;
  const changed = made.classifier.parameters.filter(
    (name) => String(initializers?.get(name)?.data) !== String(before.get(name)?.data),
  );
  const tuned = ['conv5', 'conv5.norm', 'fc', VALUES.logits, VALUES.corrections];
  const both = tuned.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
  expect(changed.toSorted()).toEqual(both.filter((name) => name !== 'conv5.bias').toSorted());
});

test('a rate that is to be found is the usual one, in whose units weight decay counts', async () => {
  const asked = { epochs: 1, rate: 'auto' } as const;
  const made = await defend(runtime, model, scenes, undefined, { step: 32, tune: asked });
  expect(made.tune).toMatchObject({ rate: 0.06, optimizer: { weightDecay: 5e-4 } });
});

test.each([{ shift: 1 }, { vary: ['light'] as const }, { augment: () => {} }])(
  'what moves pictures without their boxes is refused: %o',
  async (tune) => {
    await expect(defend(runtime, model, scenes, undefined, { tune })).rejects.toMatchObject({
      code: 'defense/no-picture',
    });
  },
);
