import { drawCharts } from '../charts/charts.ts';
import { detailsSection } from './details.ts';
import { examplesSection } from './examples-section.ts';
import { html, type Markup } from '../page/markup.ts';
import { confusionsSection, reachSection, structureSection } from './network-sections.ts';
import { page } from '../page/page.ts';
import { parseRecord, type RunRecord } from './record.ts';
import { scenesSection } from './scenes-section.ts';
import {
  activationsSection,
  curveSection,
  evaluationsSection,
  slimSection,
  verdictSection,
} from './sections.ts';
import { trainingSection } from './training-section.ts';

/**
 * The record as one self-contained HTML page: no script, no network. The same record gives the
 * same bytes; leave out the facts of one execution with `stable()` where runs are compared.
 *
 * @throws ReportError `report/invalid-record`
 */
export async function renderHtml(value: RunRecord): Promise<string> {
  const record = parseRecord(value);
  const charts = await drawCharts(record);
  const others = await Promise.all(
    (record.others ?? []).map((_, index) => siteSections(record, index)),
  );
  return page(
    `${record.input.path}: ${record.tool.name} report`,
    html`${verdictSection(record)} ${evaluationsSection(record)} ${examplesSection(record)}
    ${scenesSection(record.scenes, record.evaluations)} ${confusionsSection(record)}
    ${curveSection(record, charts.curve)} ${activationsSection(record, charts.activations)}
    ${reachSection(record, charts.gradient)} ${others} ${slimSection(record)}
    ${trainingSection(record, charts.training)} ${structureSection(record)}
    ${detailsSection(record)}`,
  );
}

/** What the page says of a further site that was pruned. */
async function siteSections(record: RunRecord, index: number): Promise<Markup> {
  const part = { ...record, ...record.others?.[index] };
  const charts = await drawCharts(part);
  return html`${curveSection(part, charts.curve, `curve-${index + 2}`)}
  ${activationsSection(part, charts.activations, `activations-${index + 2}`)}
  ${reachSection(part, charts.gradient, `reach-${index + 2}`)}`;
}
