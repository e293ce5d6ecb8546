import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../../test/helpers/gradcheck.ts';
import { accuracy } from '../../../metrics/index.ts';
import { argmax } from '../../../train/index.ts';
import {
  apart,
  CLASSES,
  explicitlyMasked,
  images,
  opened,
  scoresOf,
  specimen,
} from '../../../../test/helpers/networks.ts';
import { type Fold, siteNamed } from '../../../channels/index.ts';
import { pruneSites } from './prune-sites.ts';

const data = images(60, 6);

describe.each(['producer', 'consumers', 'mul'] as const)('several sites, masks into %s', (fold) => {
  test('are pruned one after another, and the drop of all is measured from the start', async () => {
    const runtime = await testRuntime();
    const { classifier, sites } = await opened(specimen('DeepID: two layers read one pool').model);
    const chosen = ['relu3', 'relu2', 'site'].map((name) => siteNamed(sites, name));
    const hits = async (graph: typeof classifier.graph) => {
      const scores = await scoresOf(classifier, graph, data);
      const predicted = argmax({ type: 'float32', dims: [data.length, CLASSES], data: scores });
      return accuracy(predicted, data.labels).hits;
    };
    const maxDrop = 0.1;
    const into: Fold['into'] = fold;
    const settings = { maxDrop, fold: into };
    const result = await pruneSites(runtime, classifier, chosen, data, undefined, settings);
    expect(result.prunings.map(({ site, fold }) => [site.name, fold.into])).toEqual(
      chosen.map(({ name }) => [name, fold]),
    );
    const before = await hits(classifier.graph);
    let { graph } = classifier;
    for (const { site, pruned, curve } of result.prunings) {
      // Each starts where the one before it ended.
      expect(curve[0]?.validation.hits).toBe(await hits(graph));
      graph = explicitlyMasked(graph, site, pruned);
      expect(curve[pruned.length]?.validation.hits).toBe(await hits(graph));
      expect(before - (await hits(graph))).toBeLessThanOrEqual(maxDrop * data.length);
    }
    expect(result.prunings.filter(({ pruned }) => pruned.length > 0).length).toBeGreaterThan(1);
    const due = await scoresOf(classifier, graph, data);
    expect(apart(await scoresOf(classifier, result.graph, data), due)).toBeLessThan(1e-6);
    // What is held at zero is zero, whichever site it is of.
    for (const [parameter, mask] of result.masks) {
      const tensor = result.graph.initializers.get(parameter);
      expect(tensor?.dims.length).toBe(mask.dims.length);
    }
    expect(result.masks.size > 0).toBe(fold !== 'mul');
  });
});

test('a mask that cannot go where it is wanted is refused', async () => {
  const { classifier, site } = await opened(specimen('residual Add after a sigmoid').model, 'site');
  for (const fold of ['producer', 'consumers'] as const) {
    await expect(
      pruneSites(await testRuntime(), classifier, [site], data, undefined, { maxDrop: 0.1, fold }),
    ).rejects.toMatchObject({
      code: 'channels/no-fold',
      message: expect.stringContaining(`"site" cannot be folded into its ${fold}`) as unknown,
    });
  }
});
