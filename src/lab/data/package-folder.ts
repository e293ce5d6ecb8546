import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataError } from '../../data/index.ts';

/**
 * The folder of an installed npm package with data.
 *
 * @param missing - the error message if it is not installed
 * @throws DataError `data/missing`
 */
export function packageFolder(name: string, missing: string): string {
  // Also look in the current folder: the tool may be installed elsewhere, such as globally.
  for (const base of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return dirname(createRequire(base).resolve(`${name}/package.json`));
    } catch {
      continue;
    }
  }
  throw new DataError('data/missing', missing);
}
