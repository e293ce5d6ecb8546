import { prunedIn } from '../../defense/index.ts';
import type { CleanScore } from '../../metrics/evaluation.ts';
import { percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { isMeasured, rateCell } from '../page/parts.ts';
import { evaluationsOf, type NamedEvaluation, type RunRecord } from './record.ts';
import { stepsOf } from './steps.ts';

/** The name of a method in a table. */
export function methodTitle(method: string): string {
  return method === 'none' ? 'As delivered' : method.charAt(0).toUpperCase() + method.slice(1);
}

const RATES = [
  { key: 'acc', title: 'Clean accuracy' },
  { key: 'asr', title: 'Attack success' },
  { key: 'ra', title: 'Robust accuracy' },
  { key: 'missed', title: 'Missed' },
] as const;

export function verdictSection(record: RunRecord): Markup {
  const { repaired, text } = record.verdict;
  const headline = repaired === null ? 'No verdict' : repaired ? 'Repaired' : 'Not repaired';
  const tone = repaired === null ? '' : repaired ? 'repaired' : 'unrepaired';
  const synthetic = record.data.filter(({ source }) => source === 'synthetic');
  return html`<header>
    <p class="origin">${record.tool.name} report on <code>${record.input.path}</code></p>
    <h1 class="${tone}">${headline}</h1>
    <p class="verdict">${withoutHeadline(text)}</p>
    ${record.unlabeled && html`<p class="warning">The data have no labels: accuracy is agreement with the network as delivered.</p>`}
    ${synthetic.length > 0 && html`<p class="warning">Measured on generated data (${synthetic.map(({ role }) => role).join(', ')}), which shows that the method works, not how well it works on real inputs.</p>`}
    ${keyFigures(record)}
  </header>`;
}

/** The headline is in the title; the text after the colon explains it. */
function withoutHeadline(text: string): string {
  const how = text.replace(/^(Repaired|Not repaired): /, '');
  return how.charAt(0).toUpperCase() + how.slice(1);
}

function keyFigures(record: RunRecord): Markup | undefined {
  const evaluations = evaluationsOf(record);
  const [before, after] = [evaluations[0], evaluations.at(-1)];
  if (before === undefined || after === undefined) return undefined;
  const figures = RATES.slice(0, 2).map(({ key, title }) => {
    const [from, to]: (CleanScore | undefined)[] = [before.evaluation[key], after.evaluation[key]];
    if (!isMeasured(from) || !isMeasured(to)) return undefined;
    const precision = key === 'acc' && to.map !== undefined;
    const share = (score: CleanScore) => percent(precision ? (score.map ?? 0) : score.rate);
    return html`<div>
      <dt>${precision ? 'mAP at IoU 0.5' : title}</dt>
      <dd>${before !== after && html`<span class="from">${share(from)} →</span> `}${share(to)}</dd>
    </div>`;
  });
  return html`<dl class="figures">${figures} ${unitsFigure(record)}</dl>`;
}

function unitsFigure(record: RunRecord): Markup | undefined {
  const sites = prunedIn(stepsOf(record));
  if (sites.length === 0) return undefined;
  const pruned = sites.reduce((sum, { units }) => sum + units.length, 0);
  const units = sites.reduce((sum, { of }) => sum + of, 0);
  return html`<div>
    <dt>Units pruned</dt>
    <dd>${pruned} <span class="from">of ${units}</span></dd>
  </div>`;
}

export function evaluationsSection(record: RunRecord): Markup {
  const evaluations = evaluationsOf(record);
  if (evaluations.length === 0) return holdoutSection(record.holdout);
  return html`<section id="evaluations">
    <h2>Before and after</h2>
    ${evaluationsTable(evaluations)}
    <p class="note">
      On test data, which chose nothing. In brackets the 95% Wilson interval, then the counts.
      Attack success is the share of triggered inputs that get the attacker’s label; robust accuracy
      is the share of triggered inputs that get their true label.
    </p>
  </section>`;
}

/** The rates of networks, one per line, some with a note. */
export function evaluationsTable(
  evaluations: readonly (NamedEvaluation & { readonly note?: string | undefined })[],
): Markup {
  const columns = RATES.filter(({ key }) => evaluations.some((e) => e.evaluation[key]));
  return html`<table class="evaluations">
    <thead>
      <tr>
        <th scope="col">Network</th>
        ${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${evaluations.map(
        ({ method, evaluation, note }) =>
          html` <tr>
            <th scope="row">${methodCell(method, note)}</th>
            ${columns.map(({ key }) => html`<td>${rateCell(evaluation[key])}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function methodCell(method: string, note: string | undefined): Markup {
  return html`${methodTitle(method)}${note && html`<span class="extent">${note}</span>`}`;
}

/** Without test data there is only the holdout, which chose the epoch. */
function holdoutSection({ before, after }: RunRecord['holdout']): Markup {
  return html`<section id="evaluations">
    <h2>Before and after</h2>
    <table class="evaluations">
      <thead>
        <tr>
          <th scope="col">Network</th>
          <th scope="col">Clean accuracy on validation data</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">${methodTitle('none')}</th>
          <td>${rateCell(before)}</td>
        </tr>
        <tr>
          <th scope="row">Output model</th>
          <td>${rateCell(after)}</td>
        </tr>
      </tbody>
    </table>
    <p class="note">
      No test data was given. This is the part of the validation data that was not trained on. It
      chose the epoch, so the second rate is slightly too high.
    </p>
  </section>`;
}
