import { randomBytes } from 'node:crypto';
import { lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FinepruneError } from './error.ts';

/** An output file exists, and `force` is not set. */
export class FileExistsError extends FinepruneError<'file/exists'> {
  override readonly name = 'FileExistsError';
}

/** An output file could not be written. */
export class FileWriteError extends FinepruneError<'file/write'> {
  override readonly name = 'FileWriteError';
}

/**
 * Writes a file atomically: under a temporary name in the same folder, then renames it. A killed process
 * leaves no partial file.
 *
 * @throws FileExistsError where the file exists and `force` is not set; FileWriteError where the folder is
 * missing or the disk is full
 */
export function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  options: { readonly force: boolean },
): Promise<void> {
  return createFileAtomic(
    path,
    (temporary) => writeFile(temporary, content, { flag: 'wx' }),
    options,
  );
}

/**
 * Creates a file atomically with a function of the caller.
 *
 * @param make - writes the file at the temporary path
 * @throws FileExistsError, FileWriteError; see `writeFileAtomic`
 */
export async function createFileAtomic(
  path: string,
  make: (temporary: string) => Promise<void>,
  { force }: { readonly force: boolean },
): Promise<void> {
  if (!force && (await exists(path))) {
    throw new FileExistsError(
      'file/exists',
      `${path} exists already; use --force to overwrite it, or give another name`,
    );
  }
  const unique = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const temporary = join(dirname(path), `.${basename(path)}.${unique}.tmp`);
  try {
    await make(temporary);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileWriteError(
      'file/write',
      `${path} cannot be written (${reason}); check that its folder exists, that you may write ` +
        'there, and that the disk is not full',
      { cause },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
