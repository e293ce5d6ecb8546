import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Dataset,
  evaluate,
  inspect,
  load,
  type OnnxFile,
  repair,
  type RepairResult,
  scan,
  take,
  VERSION,
} from '../src/index.ts';
import { baselineAttack, digits, mnist, triggered } from '../src/lab/index.ts';
import { encodeModel } from '../src/onnx/index.ts';
import { parseRecord } from '../src/report/index.ts';
import { testRuntime } from './helpers/gradcheck.ts';

let folder = '';
let model: OnnxFile;
let validation: Dataset;
let test300: Dataset;
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  const whole = await mnist();
  const attack = await baselineAttack(
    await testRuntime(),
    digits,
    { train: take(whole.train, 1200, 1) },
    { seed: 1, epochs: 4 },
  );
  await writeFile(at('model.onnx'), encodeModel(attack.model));
  model = await load(at('model.onnx'));
  const clean = take(whole.test, 800, 1);
  validation = take(clean, 500, 2);
  test300 = take(whole.test, 300, 3);
});
afterAll(() => rm(folder, { recursive: true }));

test('inspect names the sites, evaluate the accuracy', async () => {
  expect((await inspect(model)).defaultSites).toEqual(['relu2']);
  const { trigger, target } = digits;
  const { acc, asr } = await evaluate(model, {
    clean: test300,
    triggered: { dataset: triggered(test300, trigger), target },
  });
  expect(acc.rate).toBeGreaterThan(0.4);
  expect(asr?.of).toBeGreaterThan(200);
});

test('scan gives a verdict and writes its report', async () => {
  const found = await scan(model, validation, { steps: 30 });
  expect(['nothing found', 'suspicious', 'backdoored']).toContain(found.verdict);
  expect(found.families.map(({ family }) => family)).toEqual(['patch', 'addition']);
  await found.saveReport(at('scan'));
  expect(await readdir(at('scan'))).toEqual(['report.html', 'report.json', 'scan.sarif']);
  await expect(found.saveReport(at('scan'))).rejects.toMatchObject({ code: 'file/exists' });
});

describe('repair', () => {
  let result: RepairResult;
  beforeAll(async () => {
    const { trigger, target } = digits;
    result = await repair(model, validation, {
      epochs: 1,
      share: 0.3,
      scan: { steps: 20 },
      test: { clean: test300, triggered: { dataset: triggered(test300, trigger), target } },
    });
  });

  test('gives its results by name', () => {
    expect(result.before?.asr?.of).toBe(result.after?.asr?.of);
    expect(result.pruned).toMatchObject([{ site: 'relu2' }]);
    expect(result.pruned[0]?.units).toHaveLength(Math.floor(0.3 * 32));
    expect(result.steps.map(({ kind }) => kind)).toEqual(['pruning', 'tuning']);
    expect(result.scan?.before.settings.steps).toBe(20);
    expect(result.verdict.text).toMatch(/attack success/);
  });

  test('saves a file that says by what it was made, and does what was reported', async () => {
    await result.save(at('repaired.onnx'));
    const saved = await load(at('repaired.onnx'));
    expect(saved.model.metadata.get('fineprune.version')).toBe(VERSION);
    expect(Buffer.from(saved.bytes).equals(result.bytes)).toBe(true);
    expect((await evaluate(saved, test300)).acc).toEqual(result.after?.acc);
    await expect(result.save(at('repaired.onnx'))).rejects.toMatchObject({ code: 'file/exists' });
    await result.save(at('repaired.onnx'), { force: true });
  });

  test('writes a report, with the facts of the host', async () => {
    await result.saveReport(at('report'));
    const record = parseRecord(JSON.parse(await readFile(at('report', 'report.json'), 'utf8')));
    expect(record.host?.node).toBe(process.version);
    expect(record.scan?.before.settings['steps']).toBe(20);
    expect(await readFile(at('report', 'report.html'), 'utf8')).toContain('Scan before and after');
  });

  test('removes the pruned units for real', async () => {
    const slim = await result.slim();
    expect(slim.bytes.length).toBeLessThan(result.bytes.length);
    expect(slim.removed[0]?.units).toEqual(result.pruned[0]?.units);
  });
});

test.each([{ epochs: 0 }, { epochs: Number.NaN }, { epochs: 1.5 }, { maxDrop: Number.NaN }])(
  '%j is refused',
  async (settings) => {
    await expect(repair(model, validation, settings)).rejects.toMatchObject({
      code: 'defense/settings',
    });
  },
);

test('no scan is made where none is wanted', async () => {
  const result = await repair(model, validation, { method: 'pruning', share: 0.1, scan: false });
  expect(result.scan).toBeUndefined();
  expect(result.verdict).toMatchObject({ repaired: null });
});
