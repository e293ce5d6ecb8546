import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { decodeModel } from './decode.ts';
import { FileExistsError, createFileAtomic, writeFileAtomic } from './write.ts';

/** Bytes of external data of a model, by the path of the data file relative to the model's folder. */
export function externalDataSizes(bytes: Uint8Array): Map<string, number> {
  const found = new Map<string, number>();
  decodeModel(bytes, {
    external(location, _, length) {
      found.set(location, (found.get(location) ?? 0) + length);
      return new Uint8Array(length);
    },
  });
  return found;
}

/** SHA-256 of a file of any size, lower-case hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * Writes a patched model, and beside it a copy of each external data file that it still reads. The data
 * come first, so that the model never exists without them.
 *
 * @param from - path of the original model, whose external paths were checked when it was read
 * @throws FileExistsError where a different file exists and `force` is not set; FileWriteError
 */
export async function saveModel(
  path: string,
  bytes: Uint8Array,
  { from, force }: { readonly from?: string | undefined; readonly force: boolean },
): Promise<void> {
  const locations = from === undefined ? [] : externalDataSizes(bytes).keys();
  for (const location of locations) {
    const source = resolve(dirname(from as string), location);
    const target = resolve(dirname(path), location);
    if (target === resolve(path)) {
      throw new FileExistsError(
        'file/exists',
        `${path} is also the name of a data file that the model reads: give another name`,
      );
    }
    if (await haveSameContent(source, target)) continue;
    await mkdir(dirname(target), { recursive: true });
    await createFileAtomic(target, (temporary) => copyFile(source, temporary), { force });
  }
  await writeFileAtomic(path, bytes, { force });
}

async function haveSameContent(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  if (!one || !other?.isFile() || one.size !== other.size) return false;
  if (one.dev === other.dev && one.ino === other.ino) return true;
  return (await sha256OfFile(a)) === (await sha256OfFile(b));
}
