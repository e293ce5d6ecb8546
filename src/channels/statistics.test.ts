import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { float32, sizeOf, type Graph, type TensorOf } from '../onnx/index.ts';
import { computeOutputs } from '../train/index.ts';
import { images, opened, specimen } from '../../test/helpers/networks.ts';
import { activationProfile, ascending } from './statistics.ts';

// More than one batch of 250, and not a whole number of them.
const data = images(270, 7);

describe('the mean activation of a unit is over all samples and places', () => {
  test.each([
    'Conv with bias',
    'Clip that starts above zero, and global pooling',
    'Gemm, transposed',
  ])('%s', async (name) => {
    const { classifier, site } = await opened(specimen(name).model, 'site');
    const { graph, input } = classifier;
    const runtime = await testRuntime();
    const profile = await activationProfile(runtime, graph, input, site, data);
    const outputs = await computeOutputs(runtime, graph, data, { input, outputs: [site.name] });
    const values = (outputs[site.name] as TensorOf<'float32'>).data;
    const places = sizeOf(site.dims) / site.units;
    const sums = new Float64Array(site.units);
    for (let at = 0; at < values.length; at += 1) {
      const unit = Math.floor(at / places) % site.units;
      sums[unit] = (sums[unit] as number) + (values[at] as number);
    }
    expect(profile).toHaveLength(site.units);
    profile.forEach((mean, unit) => {
      expect(mean).toBeGreaterThan(0);
      expect(mean).toBeCloseTo((sums[unit] as number) / (data.length * places), 6);
    });
  });
});

test('a bias of -1e20 makes a dormant unit, and nothing infinite', async () => {
  const { classifier, site } = await opened(specimen('Conv with bias').model, 'site');
  const { graph, input } = classifier;
  const bias = [0.1, -1e20, 0.2, -1e20];
  const decoys: Graph = {
    ...graph,
    initializers: new Map([...graph.initializers, ['conv1.bias', float32([4], bias)]]),
  };
  const profile = await activationProfile(await testRuntime(), decoys, input, site, data);
  expect(profile.every(Number.isFinite)).toBe(true);
  expect([profile[1], profile[3]]).toEqual([0, 0]);
  expect(ascending(profile).slice(0, 2)).toEqual([1, 3]);
});

test('units are ordered by activation, equal ones by number', () => {
  expect(ascending([0.5, 0, 0.25, 0, -1e18])).toEqual([4, 1, 3, 2, 0]);
});
