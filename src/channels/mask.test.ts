import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  apart,
  explicitlyMasked,
  images,
  opened,
  scoresOf,
  specimens,
} from '../../test/helpers/networks.ts';
import { foldOf } from './fold.ts';
import { applyMask } from './mask.ts';

const data = images(20, 2);

describe.each(specimens)('$name', ({ model, site: name, fold }) => {
  test(`folds into ${fold}, and gives what a Mul by the mask would`, async () => {
    const { classifier, site } = await opened(model, name);
    expect(foldOf(classifier.graph, classifier.traced, site).into).toBe(fold);
    const units = Array.from({ length: site.units }, (_, unit) => unit);
    await fc.assert(
      fc.asyncProperty(fc.subarray(units), async (pruned) => {
        const { graph } = applyMask(classifier, site, pruned);
        const expected = explicitlyMasked(classifier.graph, site, pruned);
        const got = await scoresOf(classifier, graph, data);
        const due = await scoresOf(classifier, expected, data);
        expect(apart(got, due)).toBeLessThanOrEqual(1e-6);
        if (pruned.length === site.units) {
          expect(apart(due, await scoresOf(classifier, classifier.graph, data))).toBeGreaterThan(0);
        }
      }),
      { numRuns: 4, seed: 1, examples: [[units], [units.slice(0, 1)]] },
    );
  });
});
