import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileExistsError, FileWriteError, writeFileAtomic } from './write.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a file is written, and no temporary one is left', async () => {
  await writeFileAtomic(join(folder, 'a.bin'), Uint8Array.of(1, 2), { force: false });
  expect(await readFile(join(folder, 'a.bin'))).toEqual(Buffer.from([1, 2]));
  expect(await readdir(folder)).toEqual(['a.bin']);
});

test('an existing file is kept without force', async () => {
  const path = join(folder, 'a.txt');
  await writeFile(path, 'old');
  const kept = writeFileAtomic(path, 'new', { force: false });
  await expect(kept).rejects.toThrow(FileExistsError);
  await expect(kept).rejects.toMatchObject({ code: 'file/exists' });
  await expect(kept).rejects.toThrow('--force');
  expect(await readFile(path, 'utf8')).toBe('old');
  await writeFileAtomic(path, 'new', { force: true });
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(folder)).toEqual(['a.txt']);
});

test('a missing folder is named', async () => {
  const path = join(folder, 'none', 'a.txt');
  const failed = writeFileAtomic(path, 'x', { force: false });
  await expect(failed).rejects.toThrow(FileWriteError);
  await expect(failed).rejects.toThrow('check that its folder exists');
});

test('a write that fails leaves the old file and no temporary one', async () => {
  // A folder that is not empty cannot be renamed over.
  const path = join(folder, 'taken');
  await mkdir(path);
  await writeFile(join(path, 'inside'), 'kept');
  await expect(writeFileAtomic(path, 'new', { force: true })).rejects.toThrow(FileWriteError);
  expect(await readdir(folder)).toEqual(['taken']);
  expect(await readFile(join(path, 'inside'), 'utf8')).toBe('kept');
});
