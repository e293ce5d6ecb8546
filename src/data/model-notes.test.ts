import { describe, expect, test } from 'vitest';
import { metadataOf, notesIn } from './model-notes.ts';
import { preset } from './preprocess.ts';

describe('notes in a model', () => {
  test('come back as they were written', () => {
    const notes = { preprocess: preset('imagenet'), classes: ['Ann', 'Bob'] };
    expect(notesIn(new Map(Object.entries(metadataOf(notes))))).toEqual(notes);
  });

  test('a model of others has none', () => {
    expect(notesIn(new Map([['author', 'somebody']]))).toEqual({});
  });

  test.each([
    ['fineprune.preprocess', '{"std": [0]}', 'data/preprocess'],
    ['fineprune.preprocess', '{"mean"', 'data/format'],
    ['fineprune.classes', '["Ann", "Ann"]', 'data/labels'],
    ['fineprune.classes', '{"Ann": 1}', 'data/labels'],
  ])('%s of %s is refused by its name', (key, value, code) => {
    const read = () => notesIn(new Map([[key, value]]));
    expect(read).toThrow(expect.objectContaining({ code }));
    expect(read).toThrow(key);
  });
});
