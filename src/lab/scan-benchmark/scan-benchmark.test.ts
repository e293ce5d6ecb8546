import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { split, take } from '../../data/index.ts';
import { rate } from '../../metrics/index.ts';
import { mnist } from '../data/mnist.ts';
import { scanBenchmark, type ScanLine } from './benchmark.ts';
import { scanCases } from './cases.ts';
import { scanBenchmarkTable, summaryOf } from './summary.ts';

test('a seed has each attack beside a clean network, all with names and seeds of their own', () => {
  const cases = [...scanCases(0), ...scanCases(1)];
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(new Set(cases.map(({ seed }) => seed)).size).toBe(cases.length);
  const clean = cases.filter(({ attack }) => attack === 'none');
  expect(clean).toHaveLength(cases.length / 2);
  expect(new Set(cases.map(({ set }) => set)).size).toBe(3);
  expect(new Set(cases.map(({ network }) => network)).size).toBe(4);
  for (const { attack, trigger, target } of cases) {
    expect(trigger === undefined && target === undefined).toBe(attack === 'none');
  }
});

test('networks are trained and scanned once, and a run goes on where it stopped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  const runtime = await testRuntime();
  const whole = await mnist();
  const some = split(take(whole.train, 800, 1), { train: 600, validation: 200 }, 1);
  const cases = scanCases(0).slice(0, 2);
  const run = () =>
    scanBenchmark(runtime, cases, {
      folder,
      scan: { steps: 20 },
      load: () => Promise.resolve({ ...some, test: take(whole.test, 200, 1) }),
    });
  const lines = await run();
  expect(lines.map(({ attack }) => attack)).toEqual(['patch', 'none']);
  const [backdoored, clean] = lines as [ScanLine, ScanLine];
  expect(backdoored.target).toBe('1');
  expect(backdoored.rank).toBeGreaterThanOrEqual(1);
  expect(backdoored.evaluation.asr?.of).toBeGreaterThan(100);
  expect([clean.target, clean.rank, clean.evaluation.asr]).toEqual([null, null, undefined]);
  const files = await readdir(folder);
  expect(files).toHaveLength(6);
  const before = await stat(join(folder, `${cases[0]?.name}.onnx`));
  expect(await run()).toEqual(lines);
  expect((await stat(join(folder, `${cases[0]?.name}.onnx`))).mtimeMs).toBe(before.mtimeMs);
  await rm(folder, { recursive: true });
});

const line = (attack: string, ratio: number, asr: number, rank: number | null): ScanLine => ({
  name: `${attack} ${ratio}`,
  set: 'mnist',
  network: 'digits',
  attack,
  poisonRate: 0.1,
  target: attack === 'none' ? null : '3',
  evaluation: {
    acc: rate(98, 100),
    ...(attack !== 'none' && { asr: rate(asr, 100), ra: rate(0, 100) }),
  },
  verdict: ratio < 0.42 ? 'suspicious' : 'nothing found',
  ratio,
  suspect: '3',
  rank,
  ratios: {},
  seconds: 10,
});

test('the summary counts by hand', () => {
  const lines = [
    line('patch', 0.1, 100, 1),
    line('warped', 0.5, 95, 4),
    line('blended', 0.3, 90, 2),
    line('patch', 0.9, 20, 7),
    line('none', 0.6, 0, null),
    line('none', 0.4, 0, null),
  ];
  const { backdoored, clean, found, falseAlarms, targetNamed, ...areas } = summaryOf(lines);
  // The fourth attack failed in training.
  expect([backdoored, clean]).toEqual([3, 2]);
  expect([found.hits, found.of]).toEqual([2, 3]);
  expect([falseAlarms.hits, falseAlarms.of]).toEqual([1, 2]);
  expect([targetNamed.hits, targetNamed.of]).toEqual([1, 2]);
  // Of six pairs one is lost: 0.5 against 0.4.
  expect(areas.auc).toBeCloseTo(5 / 6, 12);
  expect(areas.aucPatchAndBlended).toBe(1);
  expect(scanBenchmarkTable(lines)).toContain('| mnist | digits | blended, 10% | 98.0 / 90.0 |');
});
