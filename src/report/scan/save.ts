import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileExistsError, writeFileAtomic } from '../../onnx/write.ts';
import { renderScan } from './html.ts';
import type { ScanRecord } from './record.ts';
import { scanSarif } from './sarif.ts';

/** The paths of the files that `saveScan` writes. */
export function scanPaths(folder: string): [html: string, json: string, sarif: string] {
  return [join(folder, 'report.html'), join(folder, 'report.json'), join(folder, 'scan.sarif')];
}

/**
 * Writes report.html, report.json and scan.sarif into a folder, which is made if it does not exist. Each
 * file is written to a temporary name and renamed.
 *
 * @param options - `force` overwrites existing files
 * @throws FileExistsError if one of them exists; ReportError `report/invalid-record`
 */
export async function saveScan(
  folder: string,
  record: ScanRecord,
  { force = false }: { readonly force?: boolean | undefined } = {},
): Promise<void> {
  const paths = scanPaths(folder);
  const existing = paths.find((path) => existsSync(path));
  if (existing !== undefined && !force) {
    throw new FileExistsError(
      'file/exists',
      `${existing} exists already: overwrite it with force, or name another folder`,
    );
  }
  const [html, json, sarif] = paths;
  const page = await renderScan(record);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(html, page, { force });
  await writeFileAtomic(json, `${JSON.stringify(record, null, 2)}\n`, { force });
  await writeFileAtomic(sarif, scanSarif(record), { force });
}
