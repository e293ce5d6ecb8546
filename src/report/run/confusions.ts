import { labelsOf, type Answers } from '../../network/index.ts';
import type { Repair } from '../../defense/index.ts';
import { confusion, NOT_DETECTED } from '../../metrics/index.ts';
import type { RunRecord } from './record.ts';

type Confusions = NonNullable<RunRecord['confusions']>;

/** Changes that are listed, for clean and for triggered data. */
const MOST = 8;

/** The confusions that changed most by the repair, on clean and on triggered test data. */
export function confusionsOf({ given, outcomes, test }: Repair): Confusions {
  const [before, after] = [outcomes[0], outcomes.at(-1)];
  if (!test || !before?.predictions || !after?.predictions) return [];
  const classes = given.answerNames(test.clean);
  const found = (answers: Answers) =>
    answers.called.map((label) => (label === NOT_DETECTED ? classes.length - 1 : label));
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
  const [{ clean: first, triggered: was }, { clean: last, triggered: is }] = [
    before.predictions,
    after.predictions,
  ];
  const clean = changed(found(first), found(last), labelsOf(test.clean));
  const { triggered } = test;
  return [
    { of: 'test', changed: clean },
    ...(triggered && was && is
      ? [
          {
            of: 'triggered' as const,
            changed: changed(found(was), found(is), labelsOf(triggered.dataset)),
          },
        ]
      : []),
  ];
}
