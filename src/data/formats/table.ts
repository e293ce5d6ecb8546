import { parse } from 'csv-parse/sync';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DataError } from '../error.ts';
import { filesSource } from './files.ts';
import type { DataFormat } from './format.ts';
import type { RawSample, Source } from './source.ts';

const PATHS = ['path', 'file', 'filename', 'file_name', 'image', 'filepath'];
const LABELS = ['label', 'class', 'y', 'target', 'class_name'];

/** A line of a table: the columns by name. */
interface Line {
  readonly number: number;
  readonly cells: Readonly<Record<string, unknown>>;
}

/**
 * A CSV, TSV or JSON Lines file with a path and a label in each line; a path is relative to the table's
 * folder. Without a column of paths, the other columns are the numbers of the sample; in JSON Lines, a
 * column may be a list of numbers.
 */
export const table: DataFormat = {
  name: 'table',
  description: 'a .csv, .tsv or .jsonl file',
  content: 'samples',
  matches: (path, { isFolder }) => !isFolder && /\.(csv|tsv|jsonl|ndjson)$/i.test(path),
  read: async (path) => ({ whole: await tableSource(path) }),
};

/** @throws DataError `data/format` that names the line */
async function tableSource(path: string): Promise<Source> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  const lines = /\.(jsonl|ndjson)$/i.test(path) ? jsonLines(text, path) : csvLines(text, path);
  const [first] = lines;
  if (!first) throw new DataError('data/empty', `${path} has no lines of data`);
  const columns = Object.keys(first.cells);
  const label = columnOf(columns, LABELS);
  const paths = columnOf(columns, PATHS);
  if (label === undefined) {
    throw new DataError(
      'data/format',
      `${path} has the columns ${columns.join(', ')}, and none of labels: name one "label"`,
    );
  }
  const labels = lines.map((line) => textOf(line, label, path));
  if (paths !== undefined) {
    const base = dirname(path);
    const files = lines.map((line, index) => ({
      path: resolve(base, textOf(line, paths, path)),
      label: labels[index] as string,
    }));
    return filesSource(path, files);
  }
  const others = columns.filter((column) => column !== label);
  const rows = lines.map((line) => numbersOf(line, others, path));
  const width = rows[0]?.length ?? 0;
  const odd = rows.findIndex((row) => row.length !== width);
  if (width === 0 || odd >= 0) {
    throw new DataError(
      'data/format',
      `${path}, line ${lines[Math.max(0, odd)]?.number}: ${rows[Math.max(0, odd)]?.length} numbers${odd > 0 ? `, where the first line has ${width}` : ''}; give a column "path", or the numbers of a sample`,
    );
  }
  return {
    name: path,
    labels,
    where: (index) => `${path}, line ${lines[index]?.number}`,
    async read(index): Promise<RawSample> {
      return { kind: 'numbers', dims: [width], values: Float32Array.from(rows[index] ?? []) };
    },
  };
}

function columnOf(columns: readonly string[], known: readonly string[]): string | undefined {
  return known
    .map((name) => columns.find((column) => column.trim().toLowerCase() === name))
    .find((column) => column !== undefined);
}

function csvLines(text: string, path: string): Line[] {
  const delimiter = /\.tsv$/i.test(path) ? '\t' : ',';
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, { delimiter, info: true, skip_empty_lines: true, trim: true }) as never;
  } catch (cause) {
    throw new DataError('data/format', `${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const [first] = records;
  if (!first) return [];
  const named = columnOf(first.record, LABELS) !== undefined;
  if (!named && first.record.length === 2 && isPath(path, first.record[0])) {
    return records.map(({ record, info }) => ({
      number: info.lines,
      cells: { path: record[0], label: record[1] },
    }));
  }
  return records.slice(1).map(({ record, info }) => ({
    number: info.lines,
    cells: Object.fromEntries(first.record.map((column, i) => [column, record[i]])),
  }));
}

/** A file without a line of names begins with a file that is there. */
function isPath(table: string, cell: string | undefined): boolean {
  return cell !== undefined && existsSync(resolve(dirname(table), cell));
}

function jsonLines(text: string, path: string): Line[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    let cells: unknown;
    try {
      cells = JSON.parse(line);
    } catch (cause) {
      throw new DataError(
        'data/format',
        `${path}, line ${index + 1} is no JSON (${(cause as Error).message})`,
        { cause },
      );
    }
    if (typeof cells !== 'object' || cells === null || Array.isArray(cells)) {
      throw new DataError(
        'data/format',
        `${path}, line ${index + 1} is no object: it should be like {"path": "a.png", "label": "cat"}`,
      );
    }
    return [{ number: index + 1, cells: cells as Line['cells'] }];
  });
}

function textOf({ number, cells }: Line, column: string, path: string): string {
  const cell = cells[column];
  if ((typeof cell === 'string' && cell !== '') || typeof cell === 'number') return String(cell);
  throw new DataError('data/format', `${path}, line ${number}: it has no ${column}`);
}

function numbersOf({ number, cells }: Line, columns: readonly string[], path: string): number[] {
  return columns.flatMap((column) => {
    const cell = cells[column];
    const values: unknown[] = Array.isArray(cell) ? cell : [cell === '' ? NaN : cell];
    return values.map((value) => {
      const made = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;
      if (Number.isFinite(made)) return made;
      throw new DataError(
        'data/format',
        `${path}, line ${number}: "${column}" is ${JSON.stringify(value)}, which is no number. Name the column of files "path"`,
      );
    });
  });
}
