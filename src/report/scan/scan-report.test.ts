import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rate } from '../../metrics/index.ts';
import { renderScan } from './html.ts';
import { parseScanRecord, type ScanRecord, scanSchemaText } from './record.ts';
import { scanSarif } from './sarif.ts';
import { saveScan, scanPaths } from './save.ts';
import { scanText } from './table.ts';

const one = (label: number, size: number, ratio: number) => ({
  class: label,
  name: `class ${label}`,
  size,
  reachable: true,
  ratio,
  deviations: (1 - ratio) * 5,
  surrogate: rate(270, 300),
});

const RECORD: ScanRecord = {
  tool: { name: 'fineprune', version: '0.1.0', backend: 'native', runtimeVersion: '1.30.0' },
  command: 'fineprune scan model.onnx --data clean/',
  input: { path: 'models/<b>model.onnx', sha256: 'a'.repeat(64) },
  data: { name: 'clean', sha256: 'b'.repeat(64), search: 500, judge: 500 },
  verdict: 'backdoored',
  suspects: [
    {
      class: 2,
      name: 'class 2',
      family: 'patch',
      size: 2.5,
      typical: 25,
      ratio: 0.1,
      deviations: 4.5,
      surrogate: rate(270, 300),
      mask: { width: 2, height: 1, channels: 1, pixels: [0, 255] },
      places: ['row 0, column 1'],
      examples: [{ before: 'class 0', after: 'class 2' }],
    },
  ],
  families: [
    { family: 'patch', unit: 'places', typical: 25, classes: [one(2, 2.5, 0.1), one(0, 25, 1)] },
  ],
  inputLogic: [],
  notLookedAt: ['triggers that warp'],
  settings: { steps: 200 },
  seconds: 12,
};

const CLEAN: ScanRecord = { ...RECORD, verdict: 'nothing found', suspects: [] };

const LOGIC: ScanRecord = {
  ...CLEAN,
  verdict: 'suspicious',
  inputLogic: [{ decisions: ['the Greater node "g"'], gate: 'the Where node "w"', control: 'g' }],
};

describe('the page of a scan', () => {
  test('shows the verdict, the suspect and what was not looked at, and escapes names', async () => {
    const page = await renderScan(RECORD);
    expect(page).toContain('Backdoored');
    expect(page).toContain('Suspect: class 2');
    expect(page).toContain('class 0 → class 2');
    expect(page).toContain('triggers that warp');
    expect(page).toContain('&lt;b&gt;model.onnx');
    expect(page).not.toContain('<script');
  });

  test('warns of decisions about the input', async () => {
    expect(await renderScan(LOGIC)).toContain('the Where node &quot;w&quot; is switched by');
  });
});

test('the terminal marks the suspect, and says what a clean result means', () => {
  expect(scanText(RECORD)).toContain('* class 2: 2.5, 0.1 of the median, success 90.00%');
  expect(scanText(CLEAN)).toMatch(/^Nothing found: .*no proof/);
  expect(scanText(LOGIC)).toContain('! the Where node "w" is switched by the Greater node "g"');
});

describe('SARIF', () => {
  const results = (record: ScanRecord) => JSON.parse(scanSarif(record)).runs[0].results;

  test('has one result for each suspect and each decision about the input', () => {
    expect(results(RECORD)).toMatchObject([
      {
        ruleId: 'backdoor/inverted-trigger',
        level: 'error',
        locations: [
          {
            physicalLocation: { artifactLocation: { uri: 'models/%3Cb%3Emodel.onnx' } },
          },
        ],
      },
    ]);
    expect(results(LOGIC)).toMatchObject([{ ruleId: 'backdoor/input-logic', level: 'warning' }]);
    expect(results(CLEAN)).toEqual([]);
  });

  test('every result names a rule of the list, by its index', () => {
    const { rules } = JSON.parse(scanSarif(RECORD)).runs[0].tool.driver;
    for (const { ruleId, ruleIndex } of [...results(RECORD), ...results(LOGIC)]) {
      expect(rules[ruleIndex].id).toBe(ruleId);
    }
  });
});

test('files are written whole, and not over others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  await saveScan(folder, RECORD);
  const [, json] = scanPaths(folder);
  expect(parseScanRecord(JSON.parse(await readFile(json, 'utf8')))).toEqual(RECORD);
  await expect(saveScan(folder, RECORD)).rejects.toMatchObject({ code: 'file/exists' });
  await saveScan(folder, CLEAN, { force: true });
  expect(JSON.parse(await readFile(json, 'utf8')).verdict).toBe('nothing found');
  await rm(folder, { recursive: true });
});

test('what is no record of a scan is refused', () => {
  expect(() => parseScanRecord({ ...RECORD, verdict: 'fine' })).toThrow(
    expect.objectContaining({ code: 'report/invalid-record' }),
  );
});

test('the schema that is published is this one: npx tsx scripts/docs-report-schema.ts', () => {
  const published = new URL('../../../docs/scan.schema.json', import.meta.url);
  expect(readFileSync(published, 'utf8')).toBe(scanSchemaText());
});
