import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { damaged, manifestOf, miscounted } from './manifest.ts';
import { FOLDER_VARIABLE, folderOf, placeOf, SETS, type SetName } from './sets.ts';
import { statusOf } from './status.ts';

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-sets-'))));
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const FILES = {
  'a/0_ann_1.wav': 'one',
  'a/0_ann_0.wav': 'nought',
  'a/1_bob_0.wav': 'two',
  'list.txt': 'three',
};

describe('a manifest', () => {
  test('has a digest of a group as sha256sum and a pipe would make it', async () => {
    await put({ ...FILES, '.DS_Store': 'litter' });
    const lines = `${sha256('nought')}  a/0_ann_0.wav\n${sha256('one')}  a/0_ann_1.wav\n`;
    const manifest = await manifestOf(folder);
    expect(manifest['a/0_ann']).toEqual({ files: 2, sha256: sha256(lines) });
    expect(Object.keys(manifest).sort()).toEqual(['', 'a/0_ann', 'a/1_bob']);
  });

  test('finds nothing wrong with what it was made of', async () => {
    await put(FILES);
    const manifest = await manifestOf(folder);
    expect(await miscounted(folder, manifest)).toEqual([]);
    expect(await damaged(folder, manifest)).toEqual([]);
  });

  test('finds what is missing, what is too much and what has changed', async () => {
    await put(FILES);
    const manifest = await manifestOf(folder);
    await rm(join(folder, 'a/1_bob_0.wav'));
    await put({ 'a/2_cleo_0.wav': 'new' });
    const counts = [
      { group: 'a/1_bob', files: 0, expected: 1 },
      { group: 'a/2_cleo', files: 1, expected: 0 },
    ];
    expect(await miscounted(folder, manifest)).toEqual(counts);
    await put({ 'a/0_ann_1.wav': 'On' });
    expect(await miscounted(folder, manifest)).toEqual(counts);
    expect(await damaged(folder, manifest)).toEqual([
      { group: 'a/0_ann', files: 2, expected: 2 },
      ...counts,
    ]);
  });
});

describe('a data set', () => {
  test('that is not there is missing, and the error says where it belongs and comes from', async () => {
    vi.stubEnv(FOLDER_VARIABLE, folder);
    const where = join(folder, 'fsdd');
    expect(await statusOf('fsdd')).toMatchObject({ state: 'missing', folder: where, files: 3000 });
    for (const said of [where, SETS.fsdd.source, FOLDER_VARIABLE, '--data synthetic']) {
      expect(() => folderOf('fsdd')).toThrow(said);
    }
  });

  test('that is there in part says which part', async () => {
    vi.stubEnv(FOLDER_VARIABLE, folder);
    await put({ 'fsdd/recordings/3_theo_7.wav': '' });
    const { state, faults } = await statusOf('fsdd');
    expect(state).toBe('differs');
    expect(faults).toHaveLength(60);
    expect(faults).toContainEqual({ group: 'recordings/3_theo', files: 1, expected: 50 });
  });

  test('of a package is found where the package is', async () => {
    expect(await statusOf('mnist', true)).toMatchObject({ state: 'whole', compared: 'contents' });
  });

  const there = (Object.keys(SETS) as SetName[]).filter((name) => placeOf(SETS[name]).there);

  test.each(there)('%s is whole where it is found', async (name) => {
    expect(await statusOf(name)).toMatchObject({ state: 'whole', faults: [] });
  });
});
