import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batches, epochOrder } from './batches.ts';
import { numbered } from '../../test/helpers/data.ts';

const data = numbered([0, 1, 2, 0, 1, 2, 0]);

describe('batches', () => {
  test('fill the last one up with rows of weight 0 from the start', async () => {
    const made = [];
    for await (const { x, y, weights, count, dims } of batches(data, { batchSize: 3 })) {
      made.push({ first: [...x].filter((_, i) => i % 4 === 0), y: [...y], count, dims });
      expect([...weights]).toEqual([1, 1, 1].fill(0, count));
    }
    const dims = [3, 1, 2, 2];
    expect(made).toEqual([
      { first: [0, 4, 8], y: [0, 1, 2], count: 3, dims },
      { first: [12, 16, 20], y: [0, 1, 2], count: 3, dims },
      { first: [24, 0, 4], y: [0, 0, 1], count: 1, dims },
    ]);
  });

  test('without padding end in a short one', async () => {
    const counts = [];
    for await (const batch of batches(data, { batchSize: 3, pad: false })) {
      expect(batch.x.length).toBe(4 * batch.count);
      expect(batch.y.length).toBe(batch.count);
      expect(batch.dims[0]).toBe(batch.count);
      counts.push(batch.count);
    }
    expect(counts).toEqual([3, 3, 1]);
  });

  test('hold each sample of the order once, with its label', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer(), async (batchSize, seed) => {
        const order = epochOrder(data.length, seed, 0);
        const seen: number[] = [];
        for await (const { x, y, weights } of batches(data, { batchSize, order })) {
          weights.forEach((weight, row) => {
            if (weight === 0) return;
            const sample = (x[4 * row] as number) / 4;
            expect(y[row]).toBe(data.labels[sample]);
            seen.push(sample);
          });
        }
        expect(seen).toEqual([...order]);
      }),
    );
  });

  test('the next can be read while this one is in use', async () => {
    const iterator = batches(data, { batchSize: 2 });
    const first = await iterator.next();
    const before = [...(first.value?.x ?? [])];
    await iterator.next();
    expect([...(first.value?.x ?? [])]).toEqual(before);
    expect(before).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('of no data are none', async () => {
    expect((await batches(data, { batchSize: 2, order: [] }).next()).done).toBe(true);
  });

  test('need a size', async () => {
    await expect(batches(data, { batchSize: 0 }).next()).rejects.toThrow('batchSize 0');
  });
});

test('each epoch has an order of its own, the same for the same seed', () => {
  const order = epochOrder(50, 1, 0);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(epochOrder(50, 1, 0)).toEqual(order);
  expect(epochOrder(50, 1, 1)).not.toEqual(order);
  expect(epochOrder(50, 2, 0)).not.toEqual(order);
});
