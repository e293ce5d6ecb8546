import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manifestOf } from '../src/lab/data/sets/manifest.ts';
import { folderOf, SETS, type SetName } from '../src/lab/data/sets/sets.ts';

/** Writes the manifests of all data sets from the real files: FINEPRUNE_DATA=... tsx scripts/data-manifests.ts */
const manifests: Record<string, unknown> = {};
for (const name of Object.keys(SETS) as SetName[]) {
  manifests[name] = await manifestOf(folderOf(name));
}
const path = fileURLToPath(new URL('../src/lab/data/sets/manifests.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(manifests, null, 2)}\n`);
