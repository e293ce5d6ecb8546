import type { Step } from '../../defense/index.ts';
import { ReportError } from '../error.ts';
import { parseRecord, type RunRecord } from './record.ts';
import { isKnownKind } from './steps.ts';

const WIDTH = 100;

/**
 * The record as JSON text. Equal records give equal bytes: keys are written in the order of the
 * schema; keys of settings and of steps of unknown kinds, which have no schema, in alphabetical order.
 *
 * @throws ReportError `report/invalid-record`
 */
export function recordToJson(record: RunRecord): string {
  const parsed = parseRecord(record);
  const outcomes = parsed.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map(inOrder),
  }));
  return `${print({ ...parsed, settings: sortKeys(parsed.settings), outcomes }, '')}\n`;
}

/**
 * Reads the text of a `report.json`.
 *
 * @throws ReportError `report/not-json` or `report/invalid-record`
 */
export function recordFromJson(text: string): RunRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReportError(
      'report/not-json',
      `This report is not JSON (${(error as Error).message}). Is the file complete?`,
    );
  }
  return parseRecord(value);
}

/** The schema orders the keys of known data; the rest is sorted by name. */
function inOrder(step: Step): Step {
  if (!isKnownKind(step.kind)) return { ...step, data: sortKeys(step.data) };
  const data = step.data as Record<string, unknown>;
  return 'settings' in data
    ? { ...step, data: { ...data, settings: sortKeys(data['settings']) } }
    : step;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sortKeys(entry)]),
  );
}

/** Like `JSON.stringify(value, null, 2)`, but short values and lists of numbers stay on one line. */
function print(value: unknown, indent: string): string {
  const flat = JSON.stringify(value);
  if (value === null || typeof value !== 'object') return flat;
  if (indent.length + flat.length <= WIDTH || isNumbers(value)) return flat;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((entry) => inner + print(entry, inner))
    : Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => `${inner}${JSON.stringify(key)}: ${print(entry, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function isNumbers(value: object): boolean {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'number');
}
