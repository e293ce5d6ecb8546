import { expect, test } from 'vitest';
import { decodeModel, encodeModel } from '../../onnx/index.ts';
import { TASKS, taskNamed } from './index.ts';

const CLASSES = ['boot', 'coat', 'dress'];

test.each(['fashion-resnet', 'fashion-densenet', 'fashion-mobilenet'])(
  '%s has an output for each class of the data, in a file that is read again',
  async (name) => {
    const { network } = await taskNamed(name);
    const model = network(1, { classes: CLASSES, sample: [1, 28, 28] });
    const { graph } = decodeModel(encodeModel(model));
    expect(graph.outputs).toMatchObject([{ dims: ['N', 3] }]);
    expect(graph.initializers.get('fc.weight')?.dims[0]).toBe(3);
  },
);

test('a task has the name that the table gives it, and others are refused by name', async () => {
  for (const name of Object.keys(TASKS)) expect((await taskNamed(name)).name).toBe(name);
  await expect(taskNamed('weather')).rejects.toMatchObject({
    code: 'task/unknown',
    message: expect.stringContaining('digits, faces') as unknown,
  });
});
