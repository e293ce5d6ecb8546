import { duration, number, percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { page } from '../page/page.ts';
import { parseScanRecord, type ScanRecord } from './record.ts';
import { findingSections } from './sections.ts';
import { verdictText } from './table.ts';

/**
 * The record of a scan as a self-contained HTML page, without scripts and requests.
 *
 * @throws ReportError `report/invalid-record`
 */
export async function renderScan(value: ScanRecord): Promise<string> {
  const record = parseScanRecord(value);
  return page(
    `${record.input.path}: ${record.tool.name} scan`,
    html`${scanVerdict(record)} ${await findingSections(record)} ${notLookedAtSection(record)}
    ${scanDetails(record)}`,
  );
}

/** The verdict and its key figures. */
function scanVerdict(record: ScanRecord): Markup {
  const { verdict, suspects } = record;
  const [first] = suspects;
  const headline = verdict.charAt(0).toUpperCase() + verdict.slice(1);
  const text = verdictText(record).replace(/^[^:]+: /, '');
  return html`<header>
    <p class="origin">${record.tool.name} scan of <code>${record.input.path}</code></p>
    <h1 class="${verdict === 'nothing found' ? 'repaired' : 'unrepaired'}">${headline}</h1>
    <p class="verdict">${text.charAt(0).toUpperCase() + text.slice(1)}</p>
    ${
      first &&
      html`<dl class="figures">
        <div>
          <dt>Suspected target</dt>
          <dd>${first.name}</dd>
        </div>
        <div>
          <dt>Surrogate attack success</dt>
          <dd>${percent(first.surrogate.rate, 1)}</dd>
        </div>
        <div>
          <dt>Size of the trigger</dt>
          <dd>${number(first.size, 3)} <span class="from">of ${number(first.typical, 3)}</span></dd>
        </div>
      </dl>`
    }
  </header>`;
}

function notLookedAtSection({ notLookedAt }: ScanRecord): Markup {
  return html`<section id="not-looked-at">
    <h2>Not looked at</h2>
    <ul>
      ${notLookedAt.map((what) => html`<li>${what}</li>`)}
    </ul>
  </section>`;
}

function scanDetails({ tool, command, input, data, seconds }: ScanRecord): Markup {
  return html`<section id="details">
    <h2>Details</h2>
    <pre>${command}</pre>
    <dl class="facts">
      <dt>model</dt>
      <dd><code>${input.path}</code> <span class="hash">${input.sha256}</span></dd>
      <dt>data</dt>
      <dd>
        ${data.name}: ${data.search} samples searched on, ${data.judge} to judge
        <span class="hash">${data.sha256}</span>
      </dd>
      <dt>tool</dt>
      <dd>${tool.name} ${tool.version}, ONNX Runtime ${tool.runtimeVersion} (${tool.backend})</dd>
      <dt>time</dt>
      <dd>${duration(seconds)}</dd>
    </dl>
  </section>`;
}
