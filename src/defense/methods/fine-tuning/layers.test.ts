import { expect, test } from 'vitest';
import { opened, specimen } from '../../../../test/helpers/networks.ts';
import { type Layers, parametersIn } from './layers.ts';

/** Of a network with sites after conv1, conv2 and, of both, fc1 and fc2. */
const chosen = async (layers: Layers, name = 'site') => {
  const { classifier, site } = await opened(
    specimen('DeepID: two layers read one pool').model,
    name,
  );
  return parametersIn(classifier, [site], layers);
};

test.each<[Layers, string[]]>([
  ['all', ['conv1', 'conv2', 'fc1', 'fc2', 'fc3']],
  ['after-site', ['conv2', 'fc1', 'fc2', 'fc3']],
  [['fc3'], ['fc3']],
  [
    ['fc2', 'conv1'],
    ['conv1', 'fc2'],
  ],
])('%j', async (layers, expected) => {
  const both = expected.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
  expect([...(await chosen(layers))].sort()).toEqual(both.sort());
});

test.each<[Layers, string, string[]]>([
  ['from-site', 'site', ['conv1', 'conv2', 'fc1', 'fc2', 'fc3']],
  ['from-site', 'relu2', ['conv2', 'fc1', 'fc2', 'fc3']],
  ['after-site', 'relu2', ['fc1', 'fc2', 'fc3']],
  ['from-site', 'relu3', ['fc1', 'fc2', 'fc3']],
  ['after-site', 'relu3', ['fc3']],
])('%s %s', async (layers, site, expected) => {
  const both = expected.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
  expect([...(await chosen(layers, site))].sort()).toEqual(both.sort());
});

test('regions are of detectors only', async () => {
  await expect(chosen('regions')).rejects.toMatchObject({ code: 'defense/unknown-layer' });
});

test('a parameter can be named alone', async () => {
  expect(await chosen(['fc1.bias'])).toEqual(['fc1.bias']);
});

test('a name that is nowhere is an error with those that are', async () => {
  await expect(chosen(['fc1', 'fc9'])).rejects.toMatchObject({
    code: 'defense/unknown-layer',
    message: expect.stringMatching(/"fc9".*fc1\.weight/s) as unknown,
  });
});
