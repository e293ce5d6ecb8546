import { expect, test } from 'vitest';
import { rate } from '../../metrics/interval.ts';
import { evaluationTable } from './table.ts';
import type { NamedEvaluation } from './record.ts';

const acc = { rate: 0.9912, hits: 9912, of: 10_000, low: 0.989, high: 0.993 };

const evaluations: NamedEvaluation[] = [
  { method: 'none', evaluation: { acc, asr: rate(9020, 9020) } },
  {
    method: 'fine-pruning',
    evaluation: { acc: { ...acc, hits: 12, of: 12 }, asr: rate(26, 9020) },
  },
];

test('methods, rates, intervals and counts stand in aligned columns', () => {
  expect(evaluationTable(evaluations)).toBe(
    [
      'method         clean accuracy                   attack success',
      'none           99.12% [98.9, 99.3] 9912/10000   100.00% [100.0, 100.0] 9020/9020',
      'fine-pruning   99.12% [98.9, 99.3]      12/12     0.29% [0.2, 0.4]       26/9020',
      '',
    ].join('\n'),
  );
});

test('a rate that was not measured, or of nothing, is a dash', () => {
  const table = evaluationTable([
    { method: 'none', evaluation: { acc } },
    { method: 'pruning', evaluation: { acc, asr: rate(0, 0) } },
    { method: 'fine-tuning', evaluation: { acc, asr: rate(1, 2) } },
  ]).split('\n');
  expect(table[1]).toMatch(/10000 {3}-$/);
  expect(table[2]).toMatch(/10000 {3}-$/);
  expect(table[3]).toContain('50.00%');
});

test('there is no color unless asked for', () => {
  expect(evaluationTable(evaluations)).not.toContain('\u001B');
  expect(evaluationTable(evaluations, { color: true })).toContain('\u001B[1m');
});
