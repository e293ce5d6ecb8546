import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep, win32 } from 'node:path';
import type { ReadExternalData } from './decode-tensor.ts';
import { OnnxError, quoted } from './error.ts';

/**
 * Reads tensors that are stored in files beside a model. A model is not trusted: it reaches only
 * regular files in its own folder or below, after symbolic links are followed, and cannot make a
 * small file fill the memory by naming it over and over.
 *
 * @param modelPath path of the model file
 */
export function externalDataReader(modelPath: string): ReadExternalData {
  const folder = realpathSync(dirname(resolve(modelPath)));
  const bytesLeft = new Map<string, number>();
  return (location, offset, length) => {
    const path = pathInside(folder, location);
    // Before it is opened: opening a pipe would wait for ever.
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
  // Both systems' rules on every system, so that a file is refused everywhere or nowhere.
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
      throw new OnnxError('onnx/external-range', `${quoted(location)} got shorter as it was read`);
    }
    at += read;
  }
  return bytes;
}
