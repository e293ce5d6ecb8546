import { describe, expect, test } from 'vitest';
import {
  conv,
  flatten,
  linear,
  type NetworkBuilder as Net,
  pool,
  relu,
} from '../lab/networks/layers.ts';
import { float32, type Model } from '../onnx/index.ts';
import { built, CLASSES, draw, opened } from '../../test/helpers/networks.ts';
import { siteNamed } from './sites.ts';

const namesOf = async (model: Model) => (await opened(model)).sites.map(({ name }) => name);

describe('is no site', () => {
  test('the classifying convolution, whose channels are the scores', async () => {
    const model = built(5, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 }), 'relu1');
      const last = relu(n, conv(n, r1, 'conv10', { from: 4, to: CLASSES, kernel: 1 }), 'relu10');
      return flatten(n, n.b.op('GlobalAveragePool', [last]));
    });
    expect(await namesOf(model)).toEqual(['relu1']);
  });

  test('an activation that leads nowhere, or that comes before any layer', async () => {
    const model = built(6, (n, x) => {
      const before = relu(n, x, 'before');
      const r1 = relu(n, conv(n, before, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
      relu(n, conv(n, r1, 'aside', { from: 4, to: 4, kernel: 1 }), 'aside');
      return linear(n, flatten(n, r1), 'fc', 64, CLASSES);
    });
    expect(await namesOf(model)).toEqual(['relu1']);
  });

  test('anything in a linear classifier, which is said', async () => {
    const model = built(7, (n, x) => linear(n, flatten(n, x), 'fc', 72, CLASSES));
    await expect(opened(model, 'relu1')).rejects.toMatchObject({
      code: 'channels/unknown-site',
      message: expect.stringContaining('none') as unknown,
    });
  });
});

test('BatchNormalization, pooling and a bias lie between a layer and its activation', async () => {
  const model = built(8, (n, x) => {
    const parameters = ['scale', 'shift', 'mean'].map((name) =>
      n.b.initializer(`bn.${name}`, draw(n, [4])),
    );
    const variance = n.b.initializer('bn.var', {
      ...draw(n, [4]),
      data: Float32Array.of(1, 1, 1, 1),
    });
    const c = conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 });
    const normed = n.b.op('BatchNormalization', [c, ...parameters, variance]);
    const r1 = relu(n, pool(n, 'MaxPool', normed, 'pool1'), 'relu1');
    const product = n.b.op('MatMul', [flatten(n, r1), n.b.initializer('w', draw(n, [36, 5]))]);
    const r2 = relu(n, n.b.op('Add', [product, n.b.initializer('b', draw(n, [5]))]), 'relu2');
    return linear(n, r2, 'fc2', 5, CLASSES);
  });
  const { sites } = await opened(model);
  expect(sites.map(({ name, units, kind }) => [name, units, kind])).toEqual([
    ['relu1', 4, 'convolutional'],
    ['relu2', 5, 'fully connected'],
  ]);
});

describe('activations that exporters write as products', () => {
  test.each([
    [
      'GELU',
      (n: Net, x: string) => {
        const erf = n.b.op('Erf', [n.b.op('Div', [x, n.b.scalar(Math.SQRT2)])]);
        const product = n.b.op('Mul', [x, n.b.op('Add', [erf, n.b.scalar(1)])], {}, 'gelu');
        return n.b.op('Mul', [product, n.b.scalar(0.5)]);
      },
      'gelu',
    ],
    [
      'GELU by tanh',
      (n: Net, x: string) => {
        const cube = n.b.op('Mul', [n.b.op('Pow', [x, n.b.scalar(3)]), n.b.scalar(0.044715)]);
        const inner = n.b.op('Mul', [n.b.op('Add', [x, cube]), n.b.scalar(Math.sqrt(2 / Math.PI))]);
        const gate = n.b.op('Add', [n.b.op('Tanh', [inner]), n.b.scalar(1)]);
        return n.b.op('Mul', [n.b.op('Mul', [x, n.b.scalar(0.5)]), gate], {}, 'gelu');
      },
      'gelu',
    ],
    [
      'Swish',
      (n: Net, x: string) => n.b.op('Mul', [x, n.b.op('Sigmoid', [x])], {}, 'swish'),
      'swish',
    ],
    [
      'HardSwish',
      (n: Net, x: string) => {
        const bounds = [n.b.scalar(0), n.b.scalar(6)];
        const clipped = n.b.op('Clip', [n.b.op('Add', [x, n.b.scalar(3)]), ...bounds]);
        return n.b.op('Div', [n.b.op('Mul', [x, clipped], {}, 'hard'), n.b.scalar(6)]);
      },
      'hard',
    ],
    [
      'a mask put in after a sigmoid',
      (n: Net, x: string) => {
        const mask = n.b.initializer('mask', float32([1, 4, 1, 1], [1, 0, 1, 1]));
        return n.b.op('Mul', [n.b.op('Sigmoid', [x], {}, 'sigmoid'), mask]);
      },
      'sigmoid',
    ],
  ] as const)('%s', async (_, activate, name) => {
    const model = built(9, (n, x) => {
      const c = conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 });
      return linear(n, flatten(n, activate(n, c)), 'fc', 64, CLASSES);
    });
    expect(await namesOf(model)).toEqual([name]);
  });
});

test('a gate is no site', async () => {
  const model = built(10, (n, x) => {
    const r = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
    const pooled = n.b.op('GlobalAveragePool', [r]);
    const squeezed = relu(n, conv(n, pooled, 'squeeze', { from: 4, to: 8, kernel: 1 }), 'squeezed');
    const gate = n.b.op('Sigmoid', [conv(n, squeezed, 'excite', { from: 8, to: 4, kernel: 1 })]);
    return linear(n, flatten(n, n.b.op('Mul', [gate, r])), 'fc', 64, CLASSES);
  });
  expect(await namesOf(model)).toEqual(['relu1', 'squeezed']);
});

test('an unknown name is answered with the sites there are', async () => {
  const { sites } = await opened(
    built(3, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
      return linear(n, flatten(n, r1), 'fc2', 64, CLASSES);
    }),
  );
  expect(siteNamed(sites, 'relu1').units).toBe(4);
  expect(() => siteNamed(sites, 'Relu_1')).toThrow(
    expect.objectContaining({
      code: 'channels/unknown-site',
      message: expect.stringMatching(/"Relu_1".*"relu1" \(4 units\)/) as unknown,
    }),
  );
});
