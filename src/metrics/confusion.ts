import { rate, type Rate } from './interval.ts';

/** A confusion matrix: `counts[label * classes + predicted]`. */
export interface Confusion {
  readonly classes: number;
  /** Shape `[classes, classes]`: rows are true labels, columns predictions. */
  readonly counts: Uint32Array;
}

/** @throws RangeError for a label or prediction that is not a class, or for arrays of different lengths */
export function confusion(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Confusion {
  if (predicted.length !== labels.length) {
    throw new RangeError(`${predicted.length} predictions for ${labels.length} labels`);
  }
  const counts = new Uint32Array(classes * classes);
  for (let i = 0; i < labels.length; i++) {
    const label = classAt(labels, i, classes);
    const cell = label * classes + classAt(predicted, i, classes);
    counts[cell] = (counts[cell] as number) + 1;
  }
  return { classes, counts };
}

/** The accuracy on the samples of each class. */
export function classAccuracies({ classes, counts }: Confusion): Rate[] {
  return Array.from({ length: classes }, (_, label) => {
    const row = counts.subarray(label * classes, (label + 1) * classes);
    return rate(
      row[label] as number,
      row.reduce((sum, count) => sum + count, 0),
    );
  });
}

function classAt(values: ArrayLike<number>, i: number, classes: number): number {
  const value = values[i] as number;
  if (!Number.isInteger(value) || value < 0 || value >= classes) {
    throw new RangeError(`sample ${i}: ${value} is none of ${classes} classes`);
  }
  return value;
}
