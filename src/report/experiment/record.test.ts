import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { rate } from '../../metrics/index.ts';
import {
  phasesOf,
  pooled,
  experimentFromJson,
  seedsOf,
  withPart,
  type ExperimentRecord,
  type NetworkRecord,
} from './record.ts';
import { renderExperiment } from './page.ts';
import { experimentTable } from './table.ts';

const ATTACKS = ['none', 'baseline', 'pruning-aware'];
const DEFENSES = ['none', 'pruning', 'fine-tuning', 'fine-pruning'];

const code = (code: string): unknown => expect.objectContaining({ code });

const point = (pruned: number, acc: number, asr: number) => ({
  pruned,
  validation: rate(acc, 100),
  acc: rate(acc, 100),
  asr: rate(asr, 100),
});

/** Four units, of which the first two pruned are dormant and the third is the backdoor's. */
const curve = [point(0, 98, 100), point(1, 98, 100), point(2, 98, 99), point(3, 97, 2)];

function network(attack: string, seed: number): NetworkRecord {
  return {
    attack,
    seed,
    site: 'relu2',
    units: [0, 1, 2, 3].map((unit) => ({
      unit,
      clean: unit / 10,
      triggered: unit === 2 ? 5 : unit / 10,
      decoy: attack === 'pruning-aware' && unit < 2,
      ablated: { acc: rate(98, 100), asr: rate(unit === 2 ? 3 : 100, 100) },
    })),
    intact: { acc: rate(98, 100), asr: rate(100, 100) },
    order: [0, 1, 2, 3],
    curve,
    stop: 3,
    ...(attack === 'pruning-aware' && {
      retrainings: [{ pruned: 2, acc: rate(9, 10), asr: rate(10, 10) }],
      reached: true,
    }),
  };
}

const record: ExperimentRecord = {
  tool: { name: 'fineprune', version: '0.0.0', backend: 'native', runtimeVersion: '1' },
  command: 'fineprune reproduce digits <b>',
  quick: false,
  runs: [0, 4].flatMap((seed) =>
    ATTACKS.flatMap((attack) =>
      DEFENSES.map((defense) => ({
        task: 'digits',
        source: 'real' as const,
        attack,
        defense,
        seed,
        acc: rate(90 + seed, 100),
        asr: rate(attack === 'none' ? 0 : 60, 80),
        ra: rate(10, 100),
        seconds: 1.5,
      })),
    ),
  ),
  networks: [0, 4].flatMap((seed) => ATTACKS.map((attack) => network(attack, seed))),
};

describe('the record of an experiment', () => {
  test('comes back from JSON, and is refused where it is not one', () => {
    expect(experimentFromJson(JSON.stringify(record))).toEqual(record);
    expect(() => experimentFromJson('{"runs": [')).toThrow(code('report/not-json'));
    expect(() => experimentFromJson('{"runs": []}')).toThrow(code('report/invalid-record'));
  });

  test('has the published fields of a run', () => {
    const [run] = record.runs;
    const keys = 'task source attack defense seed acc asr ra seconds'.split(' ');
    expect(Object.keys(experimentFromJson(JSON.stringify(record)).runs[0] ?? {})).toEqual(keys);
    expect(Object.keys(run ?? {})).toEqual(keys);
  });

  test('takes in the part of a job, by seed and attack', () => {
    const part = (keep: boolean) => ({
      runs: record.runs.filter(({ attack }) => (attack === 'baseline') === keep),
      networks: record.networks.filter(({ attack }) => (attack === 'baseline') === keep),
    });
    expect(withPart({ ...record, ...part(false) }, part(true), ATTACKS)).toEqual(record);
  });

  test('counts all seeds together', () => {
    expect(seedsOf(record)).toEqual([0, 4]);
    expect(pooled(record, 'baseline', 'pruning')).toEqual({
      acc: rate(184, 200),
      asr: rate(120, 160),
      ra: rate(20, 200),
    });
    expect(pooled({ runs: [] }, 'baseline', 'none')).toBeUndefined();
  });
});

test('the phases end where attack success falls, and where the defender stops', () => {
  expect(phasesOf({ curve, stop: 3 })).toEqual({ dormant: 2, backdoor: 3 });
  // The backdoor was not pruned: there is no second phase.
  expect(phasesOf({ curve, stop: 2 })).toEqual({ dormant: 2, backdoor: 2 });
  expect(phasesOf({ curve: curve.slice(0, 1), stop: 0 })).toEqual({ dormant: 0, backdoor: 0 });
});

test('the table has a network per line and a defense per column', () => {
  expect(experimentTable(record)).toBe(
    [
      'digits, real data, seeds 0, 4: clean accuracy / attack success in %',
      '',
      '                      none              pruning           fine-tuning       fine-pruning',
      ...['clean', 'baseline attack', 'pruning-aware attack'].map((name, i) => {
        const cell = `92.00 / ${i === 0 ? '  0.00' : ' 75.00'}`;
        return `${name.padEnd(22)}${[cell, cell, cell].map((c) => c.padEnd(18)).join('')}${cell}`;
      }),
      '',
    ].join('\n'),
  );
});

test('table and page show the results of the paper below ours', async () => {
  const compared: ExperimentRecord = {
    ...record,
    paper: { baseline: { none: { acc: 0.99, asr: 0.77 }, 'fine-pruning': { acc: 0.988, asr: 0 } } },
  };
  expect(experimentFromJson(JSON.stringify(compared))).toEqual(compared);
  const lines = experimentTable(compared).split('\n');
  const [own = '', paper] = lines.slice(lines.findIndex((line) => line.startsWith('baseline')));
  expect(own).toMatch(/^baseline attack +92.00 /);
  expect(paper).toBe(
    `  in the paper        99.00 /  77.00    ${'-'.padEnd(18).repeat(2)}98.80 /   0.00`,
  );
  expect(lines.filter((line) => line.includes('in the paper'))).toEqual([paper]);
  const { document } = parseHTML(await renderExperiment(compared));
  const heads = [...document.querySelectorAll('#table tbody th')].map((head) => head.textContent);
  expect(heads.filter((head) => head.includes('in the paper'))).toEqual([
    'As deliveredin the paper 99.00% / 77.00%',
    'Fine-pruningin the paper 98.80% / 0.00%',
  ]);
});

test('table and page leave out an attack that was not run', async () => {
  const some = {
    ...record,
    runs: record.runs.filter(({ attack }) => attack !== 'pruning-aware'),
    networks: record.networks.filter(({ attack }) => attack !== 'pruning-aware'),
  };
  expect(experimentTable(some)).toContain('baseline attack');
  expect(experimentTable(some)).not.toContain('pruning-aware');
  const page = await renderExperiment(some);
  expect(parseHTML(page).document.querySelectorAll('#table table').length).toBe(2);
  expect(page).not.toMatch(/pruning-aware|survive pruning/i);
});

test('the page has every number, says what units do, and is the same for the same record', async () => {
  const page = await renderExperiment(record);
  expect(await renderExperiment(record)).toBe(page);
  const { document } = parseHTML(page);
  expect(document.querySelectorAll('script').length).toBe(0);
  expect(page).not.toContain('digits <b>');
  const verdicts = [...document.querySelectorAll('.verdict')].map((p) => p.textContent);
  expect(verdicts).toEqual([
    'Clean network: fine-pruning costs no clean accuracy.',
    'Baseline attack: with fine-pruning attack success goes from 75.00% to 75.00%, which costs no clean accuracy.',
    'Pruning-aware attack: with fine-pruning attack success goes from 75.00% to 75.00%, which costs no clean accuracy.',
  ]);
  const tables = [...document.querySelectorAll('#table table')].map((table) =>
    [...table.querySelectorAll('tbody tr')].map((row) => row.querySelectorAll('td').length),
  );
  expect(tables.map((rows) => rows.join())).toEqual(['3,3,3,3', '3,3,3,3', '3,3,3,3']);
  expect(document.querySelector('#table')?.textContent).toContain('120/160');
  expect(document.querySelectorAll('#runs tbody tr').length).toBe(24);
  const seed = document.querySelector('#seed-4');
  const text = seed?.textContent?.replaceAll(/\s+/g, ' ');
  expect(text).toContain('2 of the 4 units of relu2 are decoys. The pruning defense prunes 3.');
  expect(text).toContain('Without unit 2 alone, attack success falls by at least 5%: it carries');
  // Both attacks on one chart, in both sizes, each with its phases.
  for (const attack of ['baseline', 'pruning-aware']) {
    expect(seed?.querySelectorAll(`.phases-${attack}`).length).toBe(2);
    expect(seed?.querySelectorAll(`.acc-${attack}`).length).toBe(2);
    expect(seed?.querySelectorAll(`.asr-${attack}`).length).toBe(2);
  }
  expect(seed?.querySelectorAll('.decoys rect').length).toBe(4);
  for (const svg of document.querySelectorAll('svg')) {
    expect(svg.getAttribute('aria-label')).toMatch(/\w{3}/);
  }
});
