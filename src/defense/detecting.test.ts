import { expect, test } from 'vitest';
import { testRuntime } from '../../test/gradcheck.ts';
import { blocks } from '../data/fixture.ts';
import { specOf } from '../detection/index.ts';
import { detectorNetwork } from '../lab/networks/detector.ts';
import { defend, networkOf, type DefendSettings } from './defend.ts';

const SIZE = [48, 48] as const;
const model = detectorNetwork(1, { ...specOf(['red', 'blue'], SIZE), anchors: [12, 20] }, 16);
const scenes = blocks(8, SIZE, 5);
const runtime = await testRuntime();

/** All weights, after one epoch in which nothing but the patches is up to chance. */
async function tunedWith(settings: Pick<DefendSettings, 'scenes' | 'tune'>) {
  const network = await networkOf(runtime, model, scenes, { scenes: {}, ...settings });
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

test.each([{ shift: 1 }, { augment: () => {} }])(
  'what moves pictures without their boxes is refused: %o',
  async (tune) => {
    await expect(defend(runtime, model, scenes, undefined, { tune })).rejects.toMatchObject({
      code: 'defense/no-picture',
    });
  },
);
