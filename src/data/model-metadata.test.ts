import { describe, expect, test } from 'vitest';
import { metadataOf, readMetadata } from './model-metadata.ts';
import { preset } from './images/preprocess.ts';

describe('notes in a model', () => {
  test('come back as they were written', () => {
    const sound = {
      rate: 8000,
      samples: 800,
      trim: 40,
      window: 64,
      hop: 40,
      bands: null,
      range: 60,
    };
    const notes = { preprocess: preset('imagenet'), sound, classes: ['Ann', 'Bob'] };
    expect(readMetadata(new Map(Object.entries(metadataOf(notes))))).toEqual(notes);
  });

  test('a model of others has none', () => {
    expect(readMetadata(new Map([['author', 'somebody']]))).toEqual({});
  });

  test.each([
    ['fineprune.preprocess', '{"std": [0]}', 'data/preprocess'],
    ['fineprune.preprocess', '{"mean"', 'data/format'],
    ['fineprune.sound', '{"rate": 8000}', 'data/features'],
    ['fineprune.classes', '["Ann", "Ann"]', 'data/labels'],
    ['fineprune.classes', '{"Ann": 1}', 'data/labels'],
  ])('%s of %s is refused by its name', (key, value, code) => {
    const read = () => readMetadata(new Map([[key, value]]));
    expect(read).toThrow(expect.objectContaining({ code }));
    expect(read).toThrow(key);
  });
});
