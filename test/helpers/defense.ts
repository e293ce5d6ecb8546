/** For tests only: runs a single defense. */
import { readFileSync } from 'node:fs';
import { arrayDataset, type Dataset, split } from '../../src/data/index.ts';
import type { DefenseContext, Repaired } from '../../src/defense/defense.ts';
import { type Network, NO_EDITS, openClassifier } from '../../src/network/index.ts';
import { decodeModel } from '../../src/onnx/index.ts';
import { testRuntime } from './gradcheck.ts';

const GOLDEN = new URL('../golden/defenses/', import.meta.url);

/** The results of scripts/golden/defenses.py for a defense. */
export function goldenOf(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, GOLDEN), 'utf8'));
}

export const goldenModel = (name: string) =>
  decodeModel(readFileSync(new URL(`${name}.onnx`, GOLDEN)));

/** Images of scripts/golden/defenses.py; all of class 0 where no labels are given. */
export function goldenData(images: readonly number[], labels?: readonly number[]): Dataset {
  const sample = [2, 6, 6];
  return arrayDataset({
    name: 'golden',
    classes: ['a', 'b', 'c', 'd'],
    sample,
    labels: Int32Array.from(labels ?? Array<number>(images.length / 72).fill(0)),
    data: Float32Array.from(images),
  });
}

export async function openedGolden(name: string, dataset: Dataset): Promise<Repaired> {
  return untouched(await openClassifier(await testRuntime(), goldenModel(name), dataset));
}

export function untouched(network: Network): Repaired {
  return { network, masks: new Map(), edits: NO_EDITS, steps: [] };
}

/** A context with clean data only; a quarter is the holdout. */
export async function contextFor(
  given: Network,
  clean: Dataset,
  more: Partial<DefenseContext> = {},
): Promise<DefenseContext> {
  const runtime = await testRuntime();
  const { train, holdout } = split(clean, { train: 0.75, holdout: 0.25 }, 1);
  const context: DefenseContext = {
    runtime,
    given,
    clean: { all: clean, train, holdout },
    test: undefined,
    maxDrop: 1,
    seed: 1,
    cache: undefined,
    checkpoints: undefined,
    signal: undefined,
    progress: () => {},
    score: async (graph) => given.score(await given.predict(runtime, graph, holdout), holdout),
    run: (defense, from, settings) => defense.run(context, from, settings),
    ...more,
  };
  return context;
}
