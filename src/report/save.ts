import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileExistsError, writeFileAtomic } from '../onnx/write.ts';
import { renderReport } from './run/html.ts';
import { recordToJson } from './run/json.ts';
import type { RunRecord } from './run/record.ts';

/** The paths of the files that `saveReport` writes. */
export function reportPaths(folder: string): [html: string, json: string] {
  return [join(folder, 'report.html'), join(folder, 'report.json')];
}

/**
 * Writes report.html and report.json into a folder, which is made if it does not exist. Each file is
 * written to a temporary name and renamed.
 *
 * @param options - `force` overwrites existing files
 * @throws FileExistsError if one of them exists; ReportError `report/invalid-record`
 */
export async function saveReport(
  folder: string,
  record: RunRecord,
  { force = false }: { readonly force?: boolean | undefined } = {},
): Promise<void> {
  const [html, json] = reportPaths(folder);
  const existing = [html, json].find((path) => existsSync(path));
  if (existing !== undefined && !force) {
    throw new FileExistsError(
      'file/exists',
      `${existing} exists already: overwrite it with force, or name another folder`,
    );
  }
  // Both are made before the first is written: a record that cannot be rendered leaves no file.
  const [page, text] = [await renderReport(record), recordToJson(record)];
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(html, page, { force });
  await writeFileAtomic(json, text, { force });
}
