import { type Operator, plain } from './operator.ts';
import { none } from './tape.ts';

const toInteger = plain(none('its output is integer'));

export const dequantizeLinear: Operator = {
  ...plain(none('what it reads is quantized: train the model before quantizing it')),
  inputs: { typeFrom: 1 },
  traits: { image: 'kept' },
};

export const quantizeLinear: Operator = { ...toInteger, traits: { image: 'kept' } };

export const qLinearConv: Operator = { ...toInteger, traits: { image: 'channels first' } };
