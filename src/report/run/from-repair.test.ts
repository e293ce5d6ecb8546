import { beforeAll, describe, expect, test, vi } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { prunedSites, tuningOf } from '../../../test/helpers/repair.ts';
import { arrayDataset, digest, random, type Dataset } from '../../data/index.ts';
import { DEFENSES, type Defense, repair, type Repair } from '../../defense/index.ts';
import { conv, finish, flatten, linear, network, relu } from '../../lab/networks/layers.ts';
import { type Network, openNetwork, type TestData } from '../../network/index.ts';
import type { Model } from '../../onnx/index.ts';
import { type RunFacts, recordOf } from './from-repair.ts';
import { recordFromJson, recordToJson } from './json.ts';
import { evaluationsOf, parseRecord } from './record.ts';
import { prunedSitesOf, stepsOf } from './steps.ts';

/** Images of two classes: a bright left or right half. */
function halves(length: number, seed: number): Dataset {
  const rng = random(seed, 'halves');
  const labels = Int32Array.from({ length }, (_, index) => index % 2);
  const data = Float32Array.from({ length: length * 16 }, (_, at) => {
    const right = at % 4 > 1 ? 1 : 0;
    return right === labels[Math.floor(at / 16)] ? 0.5 + 0.5 * rng.uniform() : 0.2 * rng.uniform();
  });
  return arrayDataset({
    name: 'halves',
    classes: ['left', 'right'],
    sample: [1, 4, 4],
    labels,
    data,
  });
}

function halvesNetwork(): Model {
  const net = network(1);
  const x = net.b.input('image', 'float32', ['N', 1, 4, 4]);
  const r1 = relu(net, conv(net, x, 'conv1', { from: 1, to: 4, kernel: 2 }), 'relu1');
  return finish(net, linear(net, flatten(net, r1), 'fc', 36, 2), 2, { name: 'halves' });
}

describe('the record of a repair', () => {
  const validation = halves(60, 1);
  const test1 = { clean: halves(20, 2) };
  const test2: TestData = {
    ...test1,
    triggered: { dataset: halves(20, 3), target: { kind: 'all-to-one', label: 1 } },
  };
  const input = { path: 'model.onnx', sha256: 'a'.repeat(64) };
  const output = { path: 'repaired.onnx', sha256: 'b'.repeat(64) };
  const how = { epochs: 2, batchSize: 12 };
  let facts: RunFacts;
  let whole: Repair;
  beforeAll(async () => {
    const runtime = await testRuntime();
    facts = {
      command: 'fineprune defend',
      runtime,
      input,
      output,
      source: 'synthetic',
      seconds: 3,
    };
    whole = await repair(runtime, halvesNetwork(), validation, {
      ...how,
      test: test2,
      compare: true,
      seed: 4,
      step: 2,
      maxDrop: 0.1,
      fullCurve: true,
    });
  });

  test('is valid, and has all results', async () => {
    const record = await recordOf(whole, facts);
    expect(parseRecord(JSON.parse(recordToJson(record)))).toEqual(
      JSON.parse(JSON.stringify(record)),
    );
    expect(record).toMatchObject({
      seed: 4,
      settings: { ...how, maxDrop: 0.1, method: 'fine-pruning', step: 2, holdout: 0.2 },
      host: { node: process.version, seconds: 3 },
      input,
      output,
    });
    expect(tuningOf(whole).settings).toMatchObject(how);
    const [site] = prunedSitesOf(record);
    expect(site).toEqual(prunedSites(whole)[0]);
    expect(site).toMatchObject({
      site: { name: 'relu1', units: 4, axis: 1, dims: [4, 3, 3] },
      mask: 'producer',
      stop: { maxDrop: 0.1 },
    });
    expect(record.data.map(({ role, count, source }) => [role, count, source])).toEqual([
      ['validation', 60, 'synthetic'],
      ['test', 20, 'synthetic'],
      ['triggered', 20, 'synthetic'],
    ]);
    expect(record.data[0]?.sha256).toBe(await digest(validation));
    expect(
      record.outcomes.map(({ method, steps }) => [method, steps.map(({ kind }) => kind)]),
    ).toEqual([
      ['none', []],
      ['pruning', ['pruning']],
      ['fine-tuning', ['tuning']],
      ['fine-pruning', ['pruning', 'tuning']],
    ]);
    // Every mask on the validation curve is on the test curve too: 0, 2 and all but one unit.
    expect(site?.curve.map(({ pruned, acc, asr }) => [pruned, acc?.of, asr?.of])).toEqual([
      [0, 20, 10],
      [2, 20, 10],
      [3, 20, 10],
    ]);
    expect(site?.profile.triggered).toHaveLength(4);
    expect(record.reach).toEqual([{ site: 'relu1', gradient: expect.any(Array) as number[] }]);
    expect(record.reach?.[0]?.gradient).toHaveLength(4);
    expect(record.layers?.map(({ op, weights, site }) => [op, weights, site])).toEqual([
      ['Conv', 20, undefined],
      ['Relu', 0, 'relu1'],
      ['Gemm', 74, undefined],
    ]);
    expect(record.holdout).toEqual(whole.holdout);
    expect(record.confusions?.map(({ of }) => of)).toEqual(['test', 'triggered']);
    // Counted again, one by one.
    const { predictions: was } = whole.outcomes[0] ?? {};
    const { predictions: is } = whole.outcomes.at(-1) ?? {};
    for (const { of, changed } of record.confusions ?? []) {
      const part = of === 'test' ? 'clean' : 'triggered';
      for (const { label, predicted, before, after } of changed) {
        const named = (index: number | undefined) => test2.clean.classes[index ?? -1];
        const count = (all: Int32Array | undefined) =>
          [...(all ?? [])].filter(
            (each, at) => named(each) === predicted && named(test2.clean.labels[at]) === label,
          ).length;
        expect([before, after]).toEqual([count(was?.[part]?.called), count(is?.[part]?.called)]);
        expect(before).not.toBe(after);
      }
    }
    expect(record.examples.map(({ label }) => label)).toEqual(['left', 'right']);
    expect(record.verdict).toEqual(whole.verdict);
  });

  test('has every run of fine-tuning', async () => {
    const made = await repair(await testRuntime(), halvesNetwork(), validation, {
      ...how,
      runs: 2,
    });
    const record = await recordOf(made, facts);
    expect(stepsOf(record).at(-1)?.data).toMatchObject({ settings: { runs: 2 } });
    expect(tuningOf(made).runs).toHaveLength(2);
    expect(() => parseRecord(JSON.parse(recordToJson(record)))).not.toThrow();
  });

  test('needs no test data', async () => {
    const made = await repair(await testRuntime(), halvesNetwork(), validation, how);
    const record = parseRecord(JSON.parse(recordToJson(await recordOf(made, facts))));
    expect(evaluationsOf(record)).toEqual([]);
    expect(record).toMatchObject({ examples: [], verdict: { repaired: null } });
  });

  test('of plain pruning leaves out what was not measured, and takes no gradient', async () => {
    const runtime = await testRuntime();
    const settings = { method: 'pruning', test: test1 };
    const made = await repair(runtime, halvesNetwork(), validation, settings);
    const gradients = vi.fn();
    const given: Network = { ...made.given, gradientMagnitudes: gradients };
    const record = await recordOf({ ...made, given }, facts);
    expect(gradients).not.toHaveBeenCalled();
    expect(record.reach).toBeUndefined();
    expect(prunedSitesOf(record)[0]?.profile.triggered).toBeUndefined();
    expect(
      evaluationsOf(record).map(({ method, evaluation }) => [method, Object.keys(evaluation)]),
    ).toEqual([
      ['none', ['acc']],
      ['pruning', ['acc']],
    ]);
    expect(record.verdict.repaired).not.toBe(true);
  });

  test('takes the gradients, which the repair does without', async () => {
    const runtime = await testRuntime();
    const network = await openNetwork(runtime, halvesNetwork(), validation);
    const gradients = vi.fn<NonNullable<Network['gradientMagnitudes']>>(
      (...args) => network.gradientMagnitudes?.(...args) ?? Promise.resolve(undefined),
    );
    const given: Network = { ...network, gradientMagnitudes: gradients };
    const made = await repair(runtime, given, validation, { ...how, step: 2 });
    expect(gradients).not.toHaveBeenCalled();
    await recordOf(made, facts);
    expect(gradients).toHaveBeenCalledOnce();
    // With the batch size of the fine-tuning, and the seed of the run.
    expect(gradients.mock.calls[0]?.[2]).toMatchObject({ batchSize: 12, seed: made.seed });
  });

  test('keeps the data of any step as JSON', async () => {
    const toy: Defense = {
      ...(DEFENSES[0] as unknown as Defense),
      name: 'toy',
      run: async (_, from) => ({
        ...from,
        steps: [
          {
            kind: 'toy',
            by: 'toy',
            summary: 'nothing',
            seconds: 0,
            data: { bounds: Float32Array.of(1, 2), left: undefined, why: () => 1 },
          },
        ],
      }),
    };
    const made = await repair(await testRuntime(), halvesNetwork(), validation, {
      method: 'toy',
      defenses: [toy],
    });
    const record = recordFromJson(recordToJson(await recordOf(made, facts)));
    expect(stepsOf(record)[0]?.data).toEqual({ bounds: [1, 2], why: 'by the caller' });
  });
});
