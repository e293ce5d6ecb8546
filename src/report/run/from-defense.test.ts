import { beforeAll, describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { arrayDataset, digest, random, type Dataset } from '../../data/index.ts';
import { defend, type Defense } from '../../defense/index.ts';
import { type TestData } from '../../network/index.ts';
import { conv, finish, flatten, linear, network, relu } from '../../lab/networks/layers.ts';
import { rate, type Evaluation } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import { type RunFacts, recordOf, verdictOf } from './from-defense.ts';
import { recordToJson } from './json.ts';
import { parseRecord, type RunRecord } from './record.ts';

const evaluation = (acc: number, asr?: number, of = 900): Evaluation => ({
  acc: rate(acc, 1000),
  ...(asr !== undefined && { asr: rate(asr, of), ra: rate(Math.min(of, 900 - asr), of) }),
});

/** As much of a defense as a verdict is drawn from. */
function judged(
  before: Evaluation | undefined,
  after: Evaluation | undefined,
  more: {
    held?: [number, number] | undefined;
    maxDrop?: number | undefined;
    method?: Defense['outcomes'][number]['method'] | undefined;
    chosen?: number | undefined;
    runs?: number | undefined;
  } = {},
): RunRecord['verdict'] {
  const { held = [500, 500], maxDrop = 0.02, method = 'fine-pruning' } = more;
  return verdictOf({
    outcomes: [
      { method: 'none', evaluation: before },
      {
        method,
        evaluation: after,
        tunings: Array.from({ length: more.runs ?? 1 }, () => ({ chosen: more.chosen ?? 1 })),
      },
    ],
    held: { before: rate(held[0], 500), after: rate(held[1], 500) },
    maxDrop,
    prunings: [{ pruned: [1, 4, 5], site: { units: 32 } }],
  } as unknown as Defense);
}

const said = (method: 'pruning' | 'fine-tuning') =>
  judged(evaluation(990, 891), evaluation(990, 2), { method }).text;

describe('the verdict', () => {
  test('is that the network was repaired, where the attack fails at last', () => {
    const { repaired, text } = judged(evaluation(990, 891), evaluation(986, 2));
    expect(repaired).toBe(true);
    expect(text).toMatch(
      /^Repaired: attack success went from 99\.00% to 0\.22% at a cost of 0\.40 points/,
    );
    expect(text).toContain('3 of 32 units were pruned, the rest fine-tuned');
  });

  test('says that nothing was lost, where nothing was', () => {
    expect(judged(evaluation(980, 891), evaluation(980, 0)).text).toContain('at no cost');
    expect(judged(evaluation(980, 891), evaluation(985, 0)).text).toContain('at no cost');
  });

  test.each([
    [45, true],
    [46, false],
    [450, false],
  ])('with %d of 900 attacks that succeed is %s', (hits, repaired) => {
    const verdict = judged(evaluation(990, 891), evaluation(990, hits));
    expect(verdict.repaired).toBe(repaired);
    expect(verdict.text).toMatch(repaired ? /^Repaired: / : /^Not repaired: attack success/);
  });

  test('is that it was not, where accuracy fell on test data, whatever the attack does', () => {
    for (const after of [evaluation(968, 0), evaluation(968)]) {
      const { repaired, text } = judged(evaluation(990, 891), after);
      expect(repaired).toBe(false);
      expect(text).toMatch(/^Not repaired: clean accuracy fell by 2\.20% .* the 2\.00% allowed/);
      expect(text).toContain('on test data (990 to 968 of 1000)');
    }
  });

  test('goes by held data where there are no test data, and by test data where there are', () => {
    const { repaired, text } = judged(undefined, undefined, { held: [490, 479] });
    expect(repaired).toBe(false);
    expect(text).toContain('on held validation data (490 to 479 of 500)');
    expect(judged(evaluation(990, 891), evaluation(986, 2), { held: [490, 479] }).repaired).toBe(
      true,
    );
  });

  test('is that it was not, where fine-tuning had to be left out', () => {
    const { repaired, text } = judged(evaluation(990, 891), evaluation(986, 2), { chosen: 0 });
    expect(repaired).toBe(false);
    expect(text).toMatch(/^Not repaired: fine-tuning made the network worse at every rate/);
  });

  test('allows a drop of exactly what is allowed', () => {
    // As floats, 0.98 - 0.96 is more than 0.02.
    expect(judged(evaluation(980, 891), evaluation(960, 0)).repaired).toBe(true);
    expect(judged(undefined, undefined, { held: [490, 480] }).repaired).toBe(null);
  });

  test('is left open without triggered data', () => {
    const none = [evaluation(990, 0, 0), evaluation(990), undefined];
    for (const before of none) {
      const { repaired, text } = judged(before, before);
      expect(repaired).toBeNull();
      expect(text).toContain('cannot be told without triggered data');
    }
  });

  test('claims no repair of what was not broken', () => {
    const { repaired, text } = judged(evaluation(990, 3), evaluation(990, 1));
    expect(repaired).toBeNull();
    expect(text).toMatch(/^This trigger opened no backdoor to begin with/);
    expect(judged(evaluation(990, 3), evaluation(990, 90)).repaired).toBe(false);
  });

  test('says what was done, and not more', () => {
    expect(said('pruning')).toContain('(3 of 32 units were pruned)');
    expect(said('fine-tuning')).toContain('(fine-tuned, no unit pruned)');
    expect(judged(evaluation(990, 891), evaluation(990, 2), { runs: 3 }).text).toContain(
      '(3 of 32 units were pruned, the rest fine-tuned in 3 runs, of which this is the mean)',
    );
  });
});

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

describe('the record of a defense', () => {
  const validation = halves(60, 1);
  const test1 = { clean: halves(20, 2) };
  const test2: TestData = {
    ...test1,
    triggered: { dataset: halves(20, 3), target: { kind: 'all-to-one', label: 1 } },
  };
  const facts: RunFacts = {
    command: 'fineprune defend model.onnx',
    runtime: { backend: 'native', version: '1.30.0' },
    input: { path: 'model.onnx', sha256: 'a'.repeat(64) },
    output: { path: 'repaired.onnx', sha256: 'b'.repeat(64) },
    source: 'synthetic',
  };
  const tune = { epochs: 2, batchSize: 12 };
  let whole: Defense;
  beforeAll(async () => {
    const settings = {
      compare: true,
      seed: 4,
      step: 2,
      maxDrop: 0.1,
      tune,
      pruning: { fullCurve: true },
    };
    whole = await defend(await testRuntime(), halvesNetwork(), validation, test2, settings);
  });

  test('is one that a report takes, and says all that was found', async () => {
    const record = await recordOf(whole, validation, test2, facts);
    expect(parseRecord(JSON.parse(recordToJson(record)))).toEqual(record);
    expect(record).toMatchObject({
      seed: 4,
      settings: { maxDrop: 0.1, fold: 'producer', fineTuning: { epochs: 2, batchSize: 12 } },
      input: facts.input,
      output: facts.output,
      site: { name: 'relu1', units: 4, axis: 1, dims: [4, 3, 3] },
      stop: { pruned: whole.prunings[0].pruned.length, maxDrop: 0.1 },
    });
    expect(record.data.map(({ role, count, source }) => [role, count, source])).toEqual([
      ['validation', 60, 'synthetic'],
      ['test', 20, 'synthetic'],
      ['triggered', 20, 'synthetic'],
    ]);
    expect(record.data[0]?.sha256).toBe(await digest(validation));
    expect(record.evaluations.map(({ name }) => name)).toEqual([
      'none',
      'pruning',
      'fine-tuning',
      'fine-pruning',
    ]);
    expect(record.training?.map(({ name, epochs }) => [name, epochs.length])).toEqual([
      ['fine-tuning', 2],
      ['fine-pruning', 2],
    ]);
    // Every mask tried has its place on the test curve too: 0, 2 and all but one.
    expect(record.curve.map(({ pruned, acc, asr }) => [pruned, acc?.of, asr?.of])).toEqual([
      [0, 20, 10],
      [2, 20, 10],
      [3, 20, 10],
    ]);
    expect(record.profile.triggered).toHaveLength(4);
    expect(record.gradient).toEqual([...(whole.gradients[0] ?? [])]);
    expect(record.layers?.map(({ op, weights, site }) => [op, weights, site])).toEqual([
      ['Conv', 20, undefined],
      ['Relu', 0, 'relu1'],
      ['Gemm', 74, undefined],
    ]);
    expect(record.held).toEqual(whole.held);
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
    expect(record.verdict).toEqual(verdictOf(whole));
  });

  test('has every run of fine-tuning', async () => {
    const defense = await defend(await testRuntime(), halvesNetwork(), validation, undefined, {
      tune,
      runs: 2,
    });
    const record = await recordOf(defense, validation, undefined, facts);
    expect(record.settings).toMatchObject({ runs: 2 });
    expect(record.training?.map(({ name }) => name)).toEqual([
      'fine-pruning, run 1 of 2',
      'fine-pruning, run 2 of 2',
    ]);
    expect(parseRecord(JSON.parse(recordToJson(record)))).toEqual(record);
  });

  test('needs no test data', async () => {
    const defense = await defend(await testRuntime(), halvesNetwork(), validation, undefined, {
      tune,
    });
    const record = await recordOf(defense, validation, undefined, facts);
    expect(parseRecord(JSON.parse(recordToJson(record)))).toEqual(record);
    expect(record).toMatchObject({ evaluations: [], examples: [], verdict: { repaired: null } });
  });

  test('leaves out what nobody measured', async () => {
    const defense = await defend(await testRuntime(), halvesNetwork(), validation, test1, {
      method: 'pruning',
      tune,
    });
    const record = await recordOf(defense, validation, test1, facts);
    expect(parseRecord(JSON.parse(recordToJson(record)))).toEqual(record);
    expect(record.profile.triggered).toBeUndefined();
    expect(
      record.evaluations.map(({ name, evaluation }) => [name, Object.keys(evaluation)]),
    ).toEqual([
      ['none', ['acc']],
      ['pruning', ['acc']],
    ]);
    expect(record.training).toEqual([]);
    expect(record.verdict.repaired).not.toBe(true);
  });
});
