import { html } from '../page/markup.ts';
import { page } from '../page/page.ts';
import { type RealAttack, repairScanSection } from '../scan/sections.ts';
import { detailsSection } from './details.ts';
import { examplesSection } from './examples-section.ts';
import { confusionsSection, structureSection } from './network-sections.ts';
import { evaluationsOf, parseRecord, type RunRecord } from './record.ts';
import { scenesSection } from './scenes-section.ts';
import { evaluationsSection, verdictSection } from './sections.ts';
import { slimSection } from './slim-section.ts';
import { stepSections } from './step-sections.ts';

/**
 * The record as a self-contained HTML page, without scripts and requests. The same record gives the
 * same bytes; to compare two runs, leave out the facts of one execution with `stable`.
 *
 * @throws ReportError `report/invalid-record`
 */
export async function renderReport(value: RunRecord): Promise<string> {
  const record = parseRecord(value);
  return page(
    `${record.input.path}: ${record.tool.name} report`,
    html`${verdictSection(record)} ${evaluationsSection(record)} ${examplesSection(record)}
    ${await repairScanSection(record.scan, realAttack(record))}
    ${scenesSection(record.scenes, evaluationsOf(record))} ${confusionsSection(record)}
    ${await stepSections(record)} ${slimSection(record)} ${structureSection(record)}
    ${detailsSection(record)}`,
  );
}

/** Attack success of the real trigger before and after, where it was measured. */
function realAttack(record: RunRecord): RealAttack | undefined {
  const evaluations = evaluationsOf(record);
  const [before, after] = [evaluations[0]?.evaluation.asr, evaluations.at(-1)?.evaluation.asr];
  return before && after ? { before, after } : undefined;
}
