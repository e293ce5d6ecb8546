import type { Outcome, TestData } from '../defense/index.ts';
import { confusion } from '../metrics/index.ts';
import type { RunRecord } from './record.ts';

type Confusions = NonNullable<RunRecord['confusions']>;

/** How many changes are told of each kind of data. */
const MOST = 8;

/** The answers that changed most between two outcomes, on clean and on triggered test data. */
export function confusionsOf(
  before: Outcome | undefined,
  after: Outcome | undefined,
  test: TestData | undefined,
): Confusions {
  if (!test || !before?.predictions || !after?.predictions) return [];
  const { classes } = test.clean;
  const changed = (was: Int32Array, is: Int32Array, labels: Int32Array) => {
    const [a, b] = [was, is].map(
      (predicted) => confusion(predicted, labels, classes.length).counts,
    );
    const totals = confusion(labels, labels, classes.length).counts;
    return Array.from(a ?? [], (before, cell) => {
      const label = Math.floor(cell / classes.length);
      return {
        label: classes[label] ?? '',
        predicted: classes[cell % classes.length] ?? '',
        of: totals[label * (classes.length + 1)] ?? 0,
        before,
        after: b?.[cell] ?? 0,
      };
    })
      .filter(({ before, after, label, predicted }) => before !== after && label !== predicted)
      .toSorted((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before))
      .slice(0, MOST);
  };
  const clean = changed(before.predictions.clean, after.predictions.clean, test.clean.labels);
  const [was, is] = [before.predictions.triggered, after.predictions.triggered];
  const { triggered } = test;
  return [
    { of: 'test', changed: clean },
    ...(triggered && was && is
      ? [{ of: 'triggered' as const, changed: changed(was, is, triggered.dataset.labels) }]
      : []),
  ];
}
