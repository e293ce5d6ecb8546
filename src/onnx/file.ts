import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeModel } from './decode.ts';
import { OnnxError } from './error.ts';
import { externalDataReader } from './external.ts';
import type { Model } from './model.ts';
import { sha256OfFile } from './save.ts';

/** A model and the file it was read from. */
export interface OnnxFile {
  readonly path?: string | undefined;
  /** The unchanged file, which `patchModel` edits. */
  readonly bytes: Uint8Array;
  readonly model: Model;
  /** SHA-256 of `bytes`, lower-case hex. */
  readonly sha256: string;
  /** The external data files, with paths relative to the model's folder. */
  readonly data?: readonly { readonly path: string; readonly sha256: string }[] | undefined;
}

// The limit of a protobuf message, and of Node's readFile.
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Reads an ONNX file and its external data.
 *
 * @throws OnnxError 'onnx/unreadable' where the file is missing or unreadable, and all of `decodeModel`
 */
export async function readModel(path: string): Promise<OnnxFile> {
  const bytes = await readBytes(path);
  const read = externalDataReader(path);
  const locations = new Set<string>();
  const model = decodeModel(bytes, {
    name: path,
    external(location, offset, length) {
      locations.add(location);
      return read(location, offset, length);
    },
  });
  const data = await Promise.all(
    [...locations].map(async (location) => ({
      path: location,
      sha256: await sha256OfFile(join(dirname(path), location)),
    })),
  );
  return { path, bytes, model, sha256: sha256Of(bytes), ...(data.length > 0 && { data }) };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      throw new OnnxError(
        'onnx/unreadable',
        `${path} is a folder; give the path of the .onnx file inside it`,
      );
    }
    if (info.size > MAX_BYTES) {
      throw new OnnxError(
        'onnx/too-large',
        `${path} has ${info.size} bytes, and an ONNX file cannot have more than ${MAX_BYTES}; save ` +
          'it with external data (onnx.save with save_as_external_data=True)',
      );
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OnnxError(
      'onnx/unreadable',
      `${path} cannot be read (${reason}); check the path and its permissions`,
      { cause },
    );
  }
}
