import { expect, test } from 'vitest';
import { rate, type CleanScore } from '../../../metrics/index.ts';
import { again, isKept, isOver, isWorse, type Limits, type TuningState } from './tuning-state.ts';

const state: TuningState = {
  epochs: [],
  chosen: 0,
  start: { loss: 1, holdout: rate(9, 10) },
  rate: 0.004,
  retries: [],
  factor: 1,
  kept: new Map([['w', Float32Array.of(1)]]),
  training: { steps: 7, values: new Map([['w', Float32Array.of(2)]]) },
};
const found = { rate: 0.004, edge: 0.005, scales: new Map(), trail: [] };

test.each([
  ['found is halved', { ...state, found }, 1 / 2],
  ['given is quartered', state, 1 / 4],
])('a rate that was %s with each retry, eight times', (_, first, lower) => {
  let now: TuningState | undefined = first;
  for (let retry = 1; retry <= 8; retry++) {
    now = again(now as TuningState, 'loss', NaN, first.kept);
    expect(now?.factor).toBe(lower ** retry);
    expect(now?.retries.at(-1)).toEqual({
      epoch: 1,
      rate: 0.004 * lower ** (retry - 1),
      because: 'loss',
      loss: null,
    });
    expect(now?.training).toEqual({ steps: 0, values: first.kept });
  }
  expect(again(now as TuningState, 'loss', NaN, first.kept)).toBeUndefined();
});

/** A state after epochs with these scores on holdout data, each judged as it came. */
function after(scores: readonly CleanScore[], limits: Limits = { epochs: 100 }): TuningState {
  return scores.reduce<TuningState>((now, holdout, index) => {
    const epoch = { epoch: index + 1, loss: 1, rate: 0.1, holdout };
    const kept = isKept(holdout, now, limits) && { chosen: index + 1 };
    return { ...now, epochs: [...now.epochs, epoch], ...kept };
  }, state);
}

const of100 = (...hits: number[]) => hits.map((right) => rate(right, 100));

// The standard error of 90 of 100 is 3, of 80 it is 4.
test.each([
  ['within one standard error of the highest', [80, 90, 86, 87, 88], 5],
  ['one standard error below it and no more', [90, 87], 2],
  ['none further below it', [80, 90, 86], 2],
  ['none that is near a highest of before', [80, 76, 90, 76], 3],
  ['nor further down by small steps', [90, 87, 84, 81], 2],
  ['a higher one, however far above', [50, 90], 2],
  ['of 100% none but equals', [100, 100, 99], 2],
  ['the first, whatever it is', [10], 1],
])('the latest epoch is kept that is %s', (_, hits, chosen) => {
  expect(after(of100(...hits)).chosen).toBe(chosen);
});

const score = (map: number) => ({ ...rate(90, 100), map, mapError: 0.05 });

test('mean average precisions are told apart by the standard error of their difference', () => {
  const scores = [0.5, 0.7, 0.64, 0.62].map((map) => score(map));
  // √2 times 0.05 is 0.071.
  expect(after(scores).chosen).toBe(3);
});

test('a mean average precision is below the floor when chance does not say why', () => {
  const limits = { epochs: 100, floor: { from: score(0.8), maxDrop: 0.02 } };
  const isLost = (map: number) =>
    isWorse({ ...after([score(map)], limits), start: { loss: 1, holdout: score(0.8) } }, limits);
  expect([0.74, 0.72].map(isLost)).toEqual([false, true]);
});

test('no epoch below the floor is kept in place of one above it', () => {
  const limits = { epochs: 100, floor: { from: rate(91, 100), maxDrop: 0.02 } };
  const within = after(of100(90, 89, 88), limits);
  expect(within.chosen).toBe(2);
  expect(isWorse({ ...within, start: { loss: 1, holdout: rate(91, 100) } }, limits)).toBe(false);
  const below = after(of100(80, 88, 87), limits);
  expect(below.chosen).toBe(2);
  expect(isWorse({ ...below, start: { loss: 1, holdout: rate(91, 100) } }, limits)).toBe(true);
});

test('the last is kept where it is asked for, whatever holdout data say of it', () => {
  const limits = {
    epochs: 4,
    keep: 'last',
    floor: { from: rate(91, 100), maxDrop: 0.02 },
  } as const;
  const ended = after(of100(91, 90, 80, 70), limits);
  expect(ended.chosen).toBe(4);
  expect(isWorse({ ...ended, start: { loss: 1, holdout: rate(91, 100) } }, limits)).toBe(false);
});

test('patience counts from the highest, not from the epoch that is kept', () => {
  const limits = { epochs: 100, patience: 3 };
  expect(isOver(after(of100(80, 90, 88, 89)), limits)).toBe(false);
  expect(isOver(after(of100(80, 90, 88, 89, 88)), limits)).toBe(true);
});

test('after a start from the beginning, a loss that blows up goes back to there', () => {
  const ruined = { ...after(of100(80)), kept: new Map([['w', Float32Array.of(9)]]) };
  const begun = again(ruined, 'accuracy', 1, state.kept) as TuningState;
  expect(begun).toMatchObject({ epochs: [], chosen: 0, kept: state.kept });
  const blown = again(begun, 'loss', NaN, begun.kept);
  expect(blown?.training.values).toEqual(state.kept);
});
