import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OnnxFile } from '../onnx/file.ts';
import { FileExistsError, writeFileAtomic } from '../onnx/write.ts';

/**
 * Refuses to overwrite existing files, before any work is done.
 *
 * @throws FileExistsError
 */
export function checkFree(paths: readonly string[], force: boolean): void {
  const taken = force ? undefined : paths.find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new FileExistsError(
      'file/exists',
      `${taken} already exists: use --force to overwrite it, or choose another path`,
    );
  }
}

/**
 * Refuses to overwrite external data files of another model, before any work is done.
 *
 * @param data - as `readModel` returns them
 * @throws FileExistsError
 */
export async function checkDataFree(
  folder: string,
  data: NonNullable<OnnxFile['data']>,
  force: boolean,
): Promise<void> {
  const { sha256OfFile } = await import('../onnx/save.ts');
  for (const { path, sha256 } of force ? [] : data) {
    const target = join(folder, path);
    if (existsSync(target) && (await sha256OfFile(target)) !== sha256) checkFree([target], force);
  }
}

/** Writes a file atomically; creates its folder if needed. */
export async function put(
  path: string,
  content: string | Uint8Array,
  force: boolean,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, content, { force });
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
