import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep, win32 } from 'node:path';
import type { ReadExternalData } from './decode-tensor.ts';
import { OnnxError, quoted } from './error.ts';

/**
 * Makes a reader of a model's external data. A model is not trusted: it can read only regular files in its
 * own folder or below, after symbolic links are resolved, and each byte of a file only once, so that a
 * small file cannot fill the memory.
 *
 * @param modelPath - path of the model file
 * @returns a reader that throws OnnxError 'onnx/external-outside', 'onnx/external-missing' or
 *   'onnx/external-range'
 */
export function externalDataReader(modelPath: string): ReadExternalData {
  const folder = realpathSync(dirname(resolve(modelPath)));
  const bytesLeft = new Map<string, number>();
  return (location, offset, length) => {
    const path = pathInside(folder, location);
    // Before opening it: opening a pipe would block forever.
    if (!statSync(path).isFile()) {
      throw new OnnxError(
        'onnx/external-missing',
        `the model has data in ${quoted(location)}, which is not a regular file; put the data file ` +
          'that came with the model there',
      );
    }
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (offset + length > size) {
        throw new OnnxError(
          'onnx/external-range',
          `the model has data at bytes ${offset} to ${offset + length} of ${quoted(location)}, which ` +
            `has only ${size}; the file was cut off or is another one: fetch it again`,
        );
      }
      const left = (bytesLeft.get(path) ?? size) - length;
      if (left < 0) {
        throw new OnnxError(
          'onnx/external-range',
          `the model has more data in ${quoted(location)} than its ${size} bytes, by reading parts ` +
            'of it again and again; do not trust it: save it again with onnx.save',
        );
      }
      bytesLeft.set(path, left);
      return readFully(file, offset, length, location);
    } finally {
      closeSync(file);
    }
  };
}

function pathInside(folder: string, location: string): string {
  const outside = new OnnxError(
    'onnx/external-outside',
    `the model has data in ${quoted(location)}, outside its own folder; do not trust it. If it is ` +
      'yours, put the data file beside the model and save it again with onnx.save',
  );
  const parts = location.split(/[\\/]/);
  // The rules of POSIX and Windows on every system, so that a model is refused on all or none.
  if (isAbsolute(location) || win32.isAbsolute(location) || /^[a-z]:/i.test(location))
    throw outside;
  if (parts.includes('..') || location.includes('\0')) throw outside;
  let path: string;
  try {
    path = realpathSync(resolve(folder, location));
  } catch (cause) {
    throw new OnnxError(
      'onnx/external-missing',
      `the model has data in ${quoted(location)}, which is not there; put the data file that came ` +
        'with the model beside it',
      { cause },
    );
  }
  const inside = relative(folder, path);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) throw outside;
  return path;
}

function readFully(file: number, offset: number, length: number, location: string): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = readSync(file, bytes, at, length - at, offset + at);
    if (read === 0) {
      throw new OnnxError(
        'onnx/external-range',
        `${quoted(location)} became shorter while it was read; run again when nothing writes it`,
      );
    }
    at += read;
  }
  return bytes;
}
