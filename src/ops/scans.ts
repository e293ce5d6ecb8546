import { axisOf, intOf } from '../graph/index.ts';
import { zeros } from './constants.ts';
import { plain } from './operator.ts';

/** yᵢ = x₁ + ... + xᵢ: dxᵢ = dyᵢ + ... + dyₙ, the same sum from the other end */
export const cumSum = plain((t) => [
  t.op('CumSum', [t.dy[0] as string, t.x[1] as string], {
    exclusive: intOf(t.node, 'exclusive', 0),
    reverse: 1 - intOf(t.node, 'reverse', 0),
  }),
]);

/** dy at the places that the values were taken from, zero elsewhere */
export const topK = plain((t) => {
  const [x, k] = t.x as [string, string];
  const axis = axisOf(intOf(t.node, 'axis', -1), t.dims(x).length);
  const [, indices] = t.y[1] ? t.y : t.ops('TopK', [x, k], t.node.attributes, 2);
  const inputs = [zeros(t, t.dims(x)), indices as string, t.dy[0] as string];
  return [t.op('ScatterElements', inputs, { axis })];
});
