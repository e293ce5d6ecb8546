import { describe, expect, it } from 'vitest';
import { float, float32, int64 } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { resize } from './resize.ts';
import { checks, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);
const labels = (...values: number[]) => int64([values.length], values);
const scales = (...values: number[]) => float32([values.length], values);

describe('Upsample and Resize before opset 13', () => {
  for (const mode of ['nearest', 'linear']) {
    it(`Upsample ${mode}, scales as an attribute`, () =>
      same({
        opset: 7,
        feeds: { x },
        nodes: [node('Upsample', ['x'], { mode, scales: { floats: [1, 1, 2, 2.5] } })],
      }));
    it(`Upsample ${mode}, scales as an input`, () =>
      same({
        opset: 9,
        feeds: { x },
        initializers: { s: scales(1, 1, 2, 3) },
        nodes: [node('Upsample', ['x', 's'], { mode })],
      }));
    for (const [what, factors] of Object.entries({
      larger: [1, 1, 1.7, 2],
      smaller: [1, 1, 0.6, 0.5],
      mixed: [1, 1, 0.7, 2.3],
    })) {
      it(`Resize ${mode}, opset 10, ${what}`, () =>
        same({
          opset: 10,
          feeds: { x: sample(1, 2, 7, 9) },
          initializers: { s: scales(...factors) },
          nodes: [node('Resize', ['x', 's'], { mode })],
        }));
      it(`Resize ${mode}, opset 10, ${what}, scales fed`, () =>
        same({
          opset: 10,
          feeds: { x: sample(1, 2, 7, 9), s: scales(...factors) },
          nodes: [node('Resize', ['x', 's'], { mode })],
        }));
    }
  }

  const modes = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
  for (const coordinates of modes) {
    for (const mode of ['nearest', 'linear', 'cubic']) {
      it(`Resize ${mode}, opset 11, ${coordinates}`, () =>
        same({
          opset: 11,
          feeds: { x: sample(1, 2, 7, 9) },
          initializers: { roi: float32([0], []), s: scales(1, 1, 2, 0.5) },
          nodes: [
            node('Resize', ['x', 'roi', 's'], {
              mode,
              coordinate_transformation_mode: coordinates,
              ...(mode === 'nearest' && { nearest_mode: 'floor' }),
            }),
          ],
        }));
    }
  }

  it('Resize by sizes, opset 11', async () => {
    const result = await same({
      opset: 11,
      feeds: { x },
      initializers: { none: float32([0], []), sizes: labels(2, 3, 9, 7) },
      nodes: [node('Resize', ['x', 'none', 'none', 'sizes'], { mode: 'linear' })],
    });
    expect(result.normalized.graph.nodes[0]?.inputs).toEqual(['x', '', '', 'sizes']);
  });

  it('Resize of a region, opset 11', () =>
    same({
      opset: 11,
      feeds: { x },
      initializers: {
        roi: float32([8], [0, 0, 0.2, 0.3, 1, 1, 0.9, 0.8]),
        s: scales(1, 1, 2, 2),
      },
      nodes: [
        node('Resize', ['x', 'roi', 's'], {
          mode: 'linear',
          coordinate_transformation_mode: 'tf_crop_and_resize',
          extrapolation_value: float(0.5),
        }),
      ],
    }));

  for (const nearest of ['floor', 'round_prefer_floor']) {
    for (const factors of [
      [1, 1, 2, 2],
      [1, 1, 0.5, 1.5],
    ]) {
      it(`Resize tf_half_pixel_for_nn, ${nearest}, by ${factors.join()}`, () =>
        same({
          opset: 11,
          feeds: { x },
          initializers: { roi: float32([0], []), s: scales(...factors) },
          nodes: [
            node('Resize', ['x', 'roi', 's'], {
              coordinate_transformation_mode: 'tf_half_pixel_for_nn',
              nearest_mode: nearest,
            }),
          ],
        }));
    }
  }

  for (const mode of ['bilinear', 'nearest', 'bicubic']) {
    const grid = sample(2, 3, 3, 2);
    it(`GridSample ${mode}`, () =>
      same({
        opset: 16,
        feeds: { x, grid },
        nodes: [node('GridSample', ['x', 'grid'], { mode })],
      }));
    it(`GridSample ${mode.replace('bi', '')} to opset 18`, () =>
      same({
        opset: 20,
        feeds: { x, grid },
        nodes: [node('GridSample', ['x', 'grid'], { mode: mode.replace(/^bi/, '') })],
        to: { opset: 18 },
      }));
  }
});

it('covers every rule of the family', () => {
  expect(unexercised(resize)).toEqual([]);
});
