import { afterEach, expect, test, vi } from 'vitest';
import { refuseRenamed } from './renamed.ts';

afterEach(() => vi.restoreAllMocks());

test.each([
  [['defend', 'm.onnx', '--vary', 'mirror'], /--vary is --augment flip/],
  [['defend', 'm.onnx', '--cover=0.5'], /--cover is --occlusion now/],
  [['defend', 'm.onnx', '--mixing', '0.9'], /--mixing is --interpolate now/],
  [['defend', 'm.onnx', '--held', '0.1'], /--held is --holdout now/],
  [['defend', 'm.onnx', '--method', 'fine-prune'], /--method fine-prune is --method fine-pruning/],
  [['defend', 'm.onnx', '--method=prune'], /--method prune is --method pruning now/],
])('%j names the new spelling', (words, message) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(() => refuseRenamed(words)).toThrow(message);
  expect(write).toHaveBeenCalledWith(expect.stringMatching(message));
});

test('today’s spellings, and names of JavaScript itself, are let through', () => {
  expect(() =>
    refuseRenamed(['defend', '--method', 'fine-pruning', '--augment', 'x']),
  ).not.toThrow();
  expect(() => refuseRenamed(['constructor', '--toString', '__proto__'])).not.toThrow();
});
