import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import type { Checkpoints } from '../train/index.ts';
import { type Repair, repair, type RepairOptions } from './repair.ts';
import { images, specimen } from '../../test/helpers/networks.ts';

const settings: RepairOptions = {
  compare: true,
  maxDrop: 0.1,
  seed: 3,
  runs: 2,
  epochs: 3,
  batchSize: 16,
  shift: 1,
};

/** Keeps what is saved as a disk would, and pulls the plug at the nth time. */
function disk() {
  const parts = new Map<string, { data: string; arrays: Map<string, Float32Array> }>();
  let saves = 0;
  let unplugAt = Infinity;
  const checkpoints: Checkpoints = {
    async load(part) {
      const kept = parts.get(part);
      return kept && { ...kept, data: JSON.parse(kept.data) as unknown };
    },
    async save(part, { data, arrays = new Map() }) {
      const copies = [...arrays].map(([name, array]) => [name, array.slice()] as const);
      parts.set(part, { data: JSON.stringify(data), arrays: new Map(copies) });
      saves += 1;
      if (saves === unplugAt) throw new Error('the plug');
    },
  };
  return {
    checkpoints,
    saves: () => saves,
    unplug: (after: number) => (unplugAt = saves + after),
  };
}

async function run(checkpoints?: Checkpoints, name = 'Conv with bias'): Promise<Repair> {
  const { model } = specimen(name);
  const test = { clean: images(40, 3), triggered: { dataset: images(40, 4), target: TARGET } };
  const runtime = await testRuntime();
  return repair(runtime, model, images(90, 2), { ...settings, test, checkpoints });
}
const TARGET = { kind: 'all-to-one', label: 1 } as const;

/** All that a report is made from, and the weights. */
const result = ({ outcomes, holdout }: Repair) => ({
  holdout,
  outcomes: outcomes.map(({ network, steps, ...outcome }) => ({
    ...outcome,
    steps: steps.map((step) => ({ ...step, seconds: 0 })),
    weights: [...network.graph.initializers],
  })),
});

describe.each([
  ['Conv with bias', 'by subtraction'],
  ['residual Add after a sigmoid', 'by mask'],
])('a run on %s, pruned %s, that dies', (name) => {
  test('at any time ends as if it had not', async () => {
    const whole = disk();
    const expected = result(await run(whole.checkpoints, name));
    expect(result(await run(undefined, name))).toEqual(expected);
    const all = whole.saves();
    expect(all).toBeGreaterThan(12);
    for (const after of [1, 3, Math.floor(all / 2), all - 5, all - 1]) {
      const { checkpoints, unplug } = disk();
      unplug(after);
      await expect(run(checkpoints, name)).rejects.toThrow('the plug');
      unplug(Infinity);
      expect(result(await run(checkpoints, name))).toEqual(expected);
    }
  });

  test('does no work again that was kept', async () => {
    const { checkpoints, saves } = disk();
    await run(checkpoints, name);
    const first = saves();
    await run(checkpoints, name);
    expect(saves()).toBe(first);
  });
});
