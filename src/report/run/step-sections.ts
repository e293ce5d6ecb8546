import { html, type Markup } from '../page/markup.ts';
import { dataTable } from '../page/parts.ts';
import { pruningSection } from './pruning-section.ts';
import { type RecordedStep, type RunRecord, stepsOf } from './record.ts';
import { tuningSection } from './tuning-section.ts';

type Section = (
  step: RecordedStep,
  record: RunRecord,
  before: number,
) => Promise<Markup | undefined>;

/** How steps are shown, by their kind. */
const SECTIONS: Readonly<Record<string, Section>> = {
  pruning: pruningSection,
  tuning: (_, record, before) => (before > 0 ? Promise.resolve(undefined) : tuningSection(record)),
};

/** Every step of the output model, in its order; then fine-tunings that only other methods made. */
export async function stepSections(record: RunRecord): Promise<Markup> {
  const shown = new Map<string, number>();
  const sections: (Markup | undefined)[] = [];
  for (const step of stepsOf(record)) {
    const before = shown.get(step.kind) ?? 0;
    const section = Object.hasOwn(SECTIONS, step.kind) ? SECTIONS[step.kind] : undefined;
    sections.push(await (section ?? genericSection)(step, record, before));
    shown.set(step.kind, before + 1);
  }
  if (!shown.has('tuning')) sections.push(await tuningSection(record));
  return html`${sections}`;
}

/** A step of a kind that the report does not know: what it says of itself, and its data. */
async function genericSection({ by, kind, summary, data }: RecordedStep): Promise<Markup> {
  return html`<section class="step">
    <h2>${by}: ${kind}</h2>
    <p>${summary}.</p>
    ${dataTable(['what', 'value'], rowsOf(data))}
  </section>`;
}

/** Numbers of a list that are shown. */
const MOST = 20;

/** Values by dotted name. */
function rowsOf(value: unknown, name = ''): [string, string][] {
  if (value === null || typeof value !== 'object') return [[name || 'data', String(value)]];
  const list = Array.isArray(value) ? (value as unknown[]) : undefined;
  if (list?.every((each) => each === null || typeof each !== 'object')) {
    const more = list.length > MOST ? `, ... (${list.length} in all)` : '';
    return [[name || 'data', `${list.slice(0, MOST).join(', ')}${more}`]];
  }
  return Object.entries(value).flatMap(([key, each]) =>
    rowsOf(each, name === '' ? key : `${name}.${key}`),
  );
}
