import type { Step } from '../../defense/index.ts';
import { html, type Markup } from '../page/markup.ts';
import { dataTable } from '../page/parts.ts';
import { pruningSection } from './pruning-section.ts';
import type { RunRecord } from './record.ts';
import { isTuning, stepsOf } from './steps.ts';
import { comparedTunings, tuningSection } from './tuning-section.ts';

type Section = (step: Step, record: RunRecord) => Promise<Markup | undefined>;

/** How each kind of step is shown. Its data fit its section: the schema of the record checks them. */
const SECTIONS: ReadonlyMap<string, Section> = new Map([
  ['pruning', pruningSection as Section],
  ['tuning', tuningSection as Section],
]);

/** A section for each step of the output model, in their order, and the fine-tunings of other methods. */
export async function stepSections(record: RunRecord): Promise<Markup> {
  const steps = stepsOf(record);
  const sections = await Promise.all(
    steps.map((step) => (SECTIONS.get(step.kind) ?? genericSection)(step, record)),
  );
  return html`${sections} ${steps.some(isTuning) ? undefined : await comparedTunings(record)}`;
}

/** A step of a kind without a section of its own: its summary, and its data as a table. */
async function genericSection({ by, kind, summary, failed, data }: Step): Promise<Markup> {
  return html`<section class="step">
    <h2>${by}: ${kind}</h2>
    <p>${sentence(summary)}</p>
    ${failed !== undefined && failed !== summary && html`<p>${sentence(failed)}</p>`}
    ${dataTable(['name', 'value'], rowsOf(data))}
  </section>`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Items of a list that are shown. */
const MOST_ITEMS = 20;
/** Rows of a table that are shown. */
const MOST_ROWS = 400;

/** Data as rows of a table, nested keys joined with dots. */
function rowsOf(data: unknown): [string, string][] {
  const rows = flat(data, '');
  const more = rows.length - MOST_ROWS;
  return more > 0 ? [...rows.slice(0, MOST_ROWS), ['...', `${more} more`]] : rows;
}

function flat(value: unknown, name: string): [string, string][] {
  if (value === null || typeof value !== 'object') return [[name, String(value)]];
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object')) {
    const more = value.length > MOST_ITEMS ? `, ... (${value.length} in all)` : '';
    return [[name, `${value.slice(0, MOST_ITEMS).map(String).join(', ')}${more}`]];
  }
  return Object.entries(value).flatMap(([key, item]) =>
    flat(item, name === '' ? key : `${name}.${key}`),
  );
}
