import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataError } from '../../data/index.ts';

/**
 * The folder of an installed npm package that holds data.
 *
 * @param missing - what to say where it is not installed
 * @throws DataError `data/missing`
 */
export function packageFolder(name: string, missing: string): string {
  // The person's own folder too: the tool may be installed elsewhere, globally for one.
  for (const base of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return dirname(createRequire(base).resolve(`${name}/package.json`));
    } catch {
      continue;
    }
  }
  throw new DataError('data/missing', missing);
}
