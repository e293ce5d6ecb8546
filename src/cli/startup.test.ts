import { describe, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { loadsOf } from './loads.ts';

const model = fileURLToPath(new URL('../../test/golden/onnx/cnn.onnx', import.meta.url));

describe('nothing heavy is loaded before it is needed', () => {
  test.each([['--help'], ['--version'], ['defend --help'], ['reproduce --help']])(
    '%s: the parser of the command line, and nothing else',
    async (line) => {
      const loads = await loadsOf(line.split(' '));
      expect([...loads].filter((name) => !name.startsWith('src/'))).toEqual(['commander']);
      expect(loads).not.toContain('src/runtime');
    },
  );

  test('inspect: ONNX Runtime, but neither pictures nor plots', async () => {
    const loads = await loadsOf(['inspect', model]);
    expect(loads).toContain('onnxruntime-node');
    const heavy = [
      'sharp',
      '@observablehq/plot',
      'linkedom',
      'onnxruntime-web',
      'src/lab/networks',
    ];
    for (const name of heavy) {
      expect(loads).not.toContain(name);
    }
  });
});
