import { expect, test } from 'vitest';
import { batchSizeFor } from './fine-tuning/fine-tuning.ts';

test.each([
  [100_000, 128],
  [8000, 128],
  [4000, 64],
  [2000, 32],
  [1000, 16],
  [10, 16],
])('%d samples are fine-tuned on in batches of %d', (samples, batch) => {
  expect(batchSizeFor(samples, 128)).toBe(batch);
  // A detector's are small anyway.
  expect(batchSizeFor(samples, 4)).toBe(4);
});
