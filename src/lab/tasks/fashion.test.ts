import { expect, test } from 'vitest';
import { decodeModel, encodeModel } from '../../onnx/index.ts';
import { tasks } from './index.ts';

const CLASSES = ['boot', 'coat', 'dress'];

test.each(['fashion-resnet', 'fashion-densenet', 'fashion-mobilenet'] as const)(
  '%s has an output for each class of the data, in a file that is read again',
  (name) => {
    const { graph } = decodeModel(encodeModel(tasks[name].network(1, CLASSES)));
    expect(graph.outputs).toMatchObject([{ dims: ['N', 3] }]);
    expect(graph.initializers.get('fc.weight')?.dims[0]).toBe(3);
  },
);
