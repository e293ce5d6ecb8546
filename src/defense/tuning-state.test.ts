import { expect, test } from 'vitest';
import { rate } from '../metrics/index.ts';
import { again, type TuningState } from './tuning-state.ts';

const state: TuningState = {
  epochs: [],
  best: 0,
  start: { loss: 1, held: rate(9, 10) },
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
