import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileExistsError, writeFileAtomic } from '../onnx/write.ts';
import { renderReport } from './run/html.ts';
import { recordToJson } from './run/json.ts';
import type { RunRecord } from './run/record.ts';

/** The files of a report in a folder. */
export function reportPaths(folder: string): [html: string, json: string] {
  return [join(folder, 'report.html'), join(folder, 'report.json')];
}

/**
 * Writes report.html and report.json, each whole or not at all, and their folder if need be.
 *
 * @param options - `force` overwrites what is there already
 * @throws FileExistsError where one is there already; ReportError where the record is none
 */
export async function saveReport(
  folder: string,
  record: RunRecord,
  { force = false }: { readonly force?: boolean | undefined } = {},
): Promise<void> {
  const [html, json] = reportPaths(folder);
  const taken = force ? undefined : [html, json].find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new FileExistsError(
      'file/exists',
      `${taken} is there already: overwrite it with force, or name another folder`,
    );
  }
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(html, await renderReport(record), { force });
  await writeFileAtomic(json, recordToJson(record), { force });
}
