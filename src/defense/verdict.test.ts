import { describe, expect, test } from 'vitest';
import { type Evaluation, rate } from '../metrics/index.ts';
import type { RepairScan } from './scan/repair-scan.ts';
import type { Scan } from './scan/result.ts';
import type { Step } from './steps.ts';
import { type Verdict, verdictOf } from './verdict.ts';

const evaluation = (acc: number, asr?: number, of = 900): Evaluation => ({
  acc: rate(acc, 1000),
  ...(asr !== undefined && { asr: rate(asr, of), ra: rate(Math.min(of, 900 - asr), of) }),
});

const step = (kind: string, summary: string, failed?: string): Step => ({
  kind,
  by: 'fine-pruning',
  summary,
  failed,
  seconds: 1,
  data: {},
});

const PRUNED = step('pruning', '3 of 32 units were pruned');
const TUNED = step('tuning', 'the rest fine-tuned');

/** The verdict on a network that was pruned and fine-tuned. */
function judged(
  before: Evaluation | undefined,
  after: Evaluation | undefined,
  more: {
    holdout?: [number, number] | undefined;
    steps?: readonly Step[] | undefined;
  } = {},
): Verdict {
  const { holdout = [500, 500], steps = [PRUNED, TUNED] } = more;
  return verdictOf({
    before,
    after,
    holdout: { before: rate(holdout[0], 500), after: rate(holdout[1], 500) },
    maxDrop: 0.02,
    steps,
  });
}

const said = (steps: Step[]) => judged(evaluation(990, 891), evaluation(990, 2), { steps }).text;

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

  test('goes by the holdout where there are no test data, and by test data where there are', () => {
    const { repaired, text } = judged(undefined, undefined, { holdout: [490, 479] });
    expect(repaired).toBe(false);
    expect(text).toContain('on held-out validation data (490 to 479 of 500)');
    expect(judged(evaluation(990, 891), evaluation(986, 2), { holdout: [490, 479] }).repaired).toBe(
      true,
    );
  });

  test('is that it was not, where fine-tuning had to be left out', () => {
    const failed = 'fine-tuning made the network worse at every rate that was tried';
    const steps = [PRUNED, step('tuning', 'fine-tuning was left out', failed)];
    const { repaired, text } = judged(evaluation(990, 891), evaluation(986, 2), { steps });
    expect(repaired).toBe(false);
    expect(text).toMatch(/^Not repaired: fine-tuning made the network worse at every rate/);
  });

  test('allows a drop of exactly what is allowed', () => {
    // As floats, 0.98 - 0.96 is more than 0.02.
    expect(judged(evaluation(980, 891), evaluation(960, 0)).repaired).toBe(true);
    expect(judged(undefined, undefined, { holdout: [490, 480] }).repaired).toBe(null);
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

  test('says what was done, step by step, and not more', () => {
    expect(said([PRUNED])).toContain('(3 of 32 units were pruned)');
    expect(said([PRUNED, TUNED])).toContain('(3 of 32 units were pruned, the rest fine-tuned)');
    expect(said([])).toContain('(nothing was done)');
  });
});

describe('without triggered data the verdict rests on scans', () => {
  const found = (verdict: Scan['verdict'], more: Partial<Scan> = {}) =>
    ({ verdict, suspects: [], inputLogic: [], ...more }) as unknown as Scan;
  const trigger = (hits: number) => ({
    class: 3,
    name: 'cat',
    family: 'patch',
    before: rate(290, 300),
    after: rate(hits, 300),
  });
  const scanned = (scan: RepairScan) =>
    verdictOf({
      holdout: { before: rate(500, 500), after: rate(498, 500) },
      maxDrop: 0.02,
      steps: [PRUNED, TUNED],
      scan,
    });
  const before = found('backdoored');
  const after = found('nothing found');

  test('repaired: the triggers found work no more, and a new scan finds nothing', () => {
    const { repaired, text } = scanned({ before, after, remaining: [trigger(6)] });
    expect(repaired).toBe(true);
    expect(text).toMatch(/^Repaired: a new scan finds nothing.*"cat" \(96\.67% to 2\.00%\)/);
  });

  test('not repaired: a trigger found before still works', () => {
    const { repaired, text } = scanned({ before, after, remaining: [trigger(240)] });
    expect(repaired).toBe(false);
    expect(text).toContain('the trigger found for "cat" on 240 of 300 samples');
  });

  test('not repaired: a new scan still finds a trigger', () => {
    const suspects = [{ name: 'dog' }] as unknown as Scan['suspects'];
    const again = found('suspicious', { suspects });
    const { repaired, text } = scanned({ before, after: again, remaining: [trigger(0)] });
    expect(repaired).toBe(false);
    expect(text).toContain('a new scan still finds a small trigger for "dog"');
  });

  test('not repaired: decisions about the input are left', () => {
    const inputLogic = [{ decisions: [], gate: '', control: '' }];
    const again = found('suspicious', { inputLogic });
    expect(scanned({ before, after: again, remaining: [] })).toMatchObject({ repaired: false });
    // Also where the trigger that was given works no more.
    const given = verdictOf({
      before: evaluation(990, 891),
      after: evaluation(990, 0),
      holdout: { before: rate(500, 500), after: rate(500, 500) },
      maxDrop: 0.02,
      steps: [PRUNED],
      scan: { before, after: again, remaining: [] },
    });
    expect(given).toMatchObject({ repaired: false });
    expect(given.text).toContain('decisions about the input still switch the scores');
  });

  test('nobody can say, where nothing was found before', () => {
    const scan = { before: found('nothing found'), after: undefined, remaining: [] };
    expect(scanned(scan)).toMatchObject({ repaired: null });
    expect(scanned(scan).text).toContain('No backdoor was found before the repair');
  });
});
