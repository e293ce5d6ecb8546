import { type Operator, plain } from './operator.ts';
import { none } from './tape.ts';

/** GRU, LSTM, RNN: `lowerRecurrent` writes them as their steps, which have gradients. */
export const recurrent: Operator = {
  ...plain(none('lowerRecurrent, which writes it out as its steps, was not run or left it')),
  inputs: { weights: [1, 2, 3] },
};
