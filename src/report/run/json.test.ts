import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fixture } from '../../../test/helpers/report.ts';
import type { PrunedSite, PruningStep, TuningStep } from '../../defense/index.ts';
import { recordFromJson, recordToJson } from './json.ts';
import { ReportError } from '../error.ts';
import { parseRecord, recordJsonSchema, schemaText, stable, type RunRecord } from './record.ts';

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, entry]) => [key, reversed(entry)]),
  );
}

test('a record comes back from its JSON', () => {
  expect(recordFromJson(recordToJson(fixture))).toEqual(fixture);
  expect(JSON.parse(recordToJson(fixture))).toEqual(fixture);
});

test('the order of keys leaves no trace in the bytes', () => {
  const other = reversed(fixture) as RunRecord;
  expect(Object.keys(other)[0]).not.toBe(Object.keys(fixture)[0]);
  expect(recordToJson(other)).toBe(recordToJson(fixture));
});

test('an optional field that is undefined is the same as a missing one', () => {
  const [first, ...rest] = fixture.outcomes;
  const evaluation = { acc: first!.evaluation!.acc };
  const bare = { ...fixture, outcomes: [{ ...first!, evaluation }, ...rest] };
  const explicit = structuredClone(bare);
  Object.assign(explicit.outcomes[0]!.evaluation!, { asr: undefined });
  expect(recordToJson(explicit)).toBe(recordToJson(bare));
});

test('the stable view leaves out what differs between two executions', () => {
  const outcomes = fixture.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map((step) => ({ ...step, seconds: 777 })),
  }));
  const slower = { ...fixture, outcomes, host: { ...fixture.host!, seconds: 999, threads: 64 } };
  expect(recordToJson(slower)).not.toBe(recordToJson(fixture));
  expect(recordToJson(stable(slower))).toBe(recordToJson(stable(fixture)));
});

test('lists of numbers stay on a line', () => {
  const line = recordToJson(fixture)
    .split('\n')
    .find((text) => text.includes('"order"'));
  expect(line?.match(/\d+/g)).toHaveLength(60);
});

/** The record with the data of its steps of one kind changed. */
function changed(record: RunRecord, kind: string, change: (data: never) => unknown): unknown {
  const outcomes = record.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map((step) =>
      step.kind === kind ? { ...step, data: change(step.data as never) } : step,
    ),
  }));
  return { ...record, outcomes };
}

const ofSite = (change: (site: PrunedSite) => object) => (record: RunRecord) =>
  changed(record, 'pruning', ({ sites }: PruningStep['data']) => ({
    sites: sites.map((site) => ({ ...site, ...change(site) })),
  }));

const broken: [string, RegExp, (record: RunRecord) => unknown][] = [
  ['a hash that is none', /sha256/, (r) => ({ ...r, input: { path: 'a', sha256: 'x' } })],
  [
    'too few means',
    /59 means for 60 units/,
    ofSite(({ profile }) => ({ profile: { clean: profile.clean.slice(1) } })),
  ],
  [
    'a unit pruned twice',
    /pruned twice/,
    ofSite(({ order }) => ({ order: [1, 1, ...order.slice(2)] })),
  ],
  [
    'a unit out of range',
    /out of range/,
    ofSite(({ order }) => ({ order: [...order.slice(1), 60] })),
  ],
  [
    'a stop past the order',
    /pruning order/,
    ofSite(({ stop }) => ({ stop: { ...stop, pruned: 61 } })),
  ],
  ['a curve out of order', /ascending/, ofSite(({ curve }) => ({ curve: [...curve].reverse() }))],
  [
    'a loss that is no number',
    /loss/,
    (r) =>
      changed(r, 'tuning', (data: TuningStep['data']) => ({
        ...data,
        runs: data.runs.map((run) => ({ ...run, start: { ...run.start, loss: Number.NaN } })),
      })),
  ],
  [
    'an image that is no PNG',
    /image/,
    (r) => ({
      ...r,
      examples: [{ ...r.examples[0]!, image: 'data:image/svg+xml;base64,AAAA' }],
    }),
  ],
];

test.each(broken)('a record with %s is refused by the field’s name', (_, message, change) => {
  expect(() => parseRecord(change(fixture))).toThrow(message);
  expect(() => parseRecord(change(fixture))).toThrow(ReportError);
});

test('half a file is refused as such', () => {
  const text = recordToJson(fixture);
  expect(() => recordFromJson(text.slice(0, text.length / 2))).toThrow(
    expect.objectContaining({ code: 'report/not-json' }),
  );
});

test('the JSON Schema names every field of a record', () => {
  const schema = recordJsonSchema() as { properties: object; required: string[] };
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(fixture)));
  expect(schema.required).not.toContain('host');
  expect(schema.required).toContain('outcomes');
  expect(JSON.stringify(schema)).toContain('"const":"tuning"');
});

test('the schema that is published is this one: npx tsx scripts/docs-report-schema.ts', () => {
  const published = new URL('../../../docs/report.schema.json', import.meta.url);
  expect(readFileSync(published, 'utf8')).toBe(schemaText());
});
