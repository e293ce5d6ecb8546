import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixture } from '../../test/helpers/report.ts';
import { FileExistsError } from '../onnx/write.ts';
import { recordFromJson } from './run/json.ts';
import { reportPaths, saveReport } from './save.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a report is a page and its record, in a folder that is made', async () => {
  const out = join(folder, 'a', 'b');
  await saveReport(out, fixture);
  const [html, json] = reportPaths(out);
  expect(readFileSync(html, 'utf8')).toContain('<h1 class="repaired">Repaired</h1>');
  expect(recordFromJson(readFileSync(json, 'utf8'))).toEqual(fixture);
  // No temporary file is left.
  expect(readdirSync(out).sort()).toEqual(['report.html', 'report.json']);
});

test.each(['report.html', 'report.json'])('%s is overwritten only by force', async (name) => {
  const path = join(folder, name);
  writeFileSync(path, 'mine');
  await expect(saveReport(folder, fixture)).rejects.toThrow(FileExistsError);
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(readdirSync(folder)).toEqual([name]);
  await saveReport(folder, fixture, { force: true });
  expect(readFileSync(path, 'utf8')).not.toBe('mine');
});

test('a record that is not valid leaves no file', async () => {
  const broken = { ...fixture, outcomes: [] };
  await expect(saveReport(folder, broken)).rejects.toThrow(
    expect.objectContaining({ code: 'report/invalid-record' }),
  );
  expect(readdirSync(folder)).toEqual([]);
});
