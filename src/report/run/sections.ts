import { COLORS, type Chart } from '../charts/chart-parts.ts';
import { curveSeries } from '../charts/curve-chart.ts';
import type { CleanScore } from '../../metrics/evaluation.ts';
import { number, percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { both, counted, dataTable, rateCell, rateText, swatch } from '../page/parts.ts';
import { phasesOf } from './phases.ts';
import { prunedUnits, type NamedEvaluation, type RunRecord } from './record.ts';

/** What outcomes are called. */
export const METHOD: Record<NamedEvaluation['name'], string> = {
  none: 'As delivered',
  pruning: 'Pruning',
  'fine-tuning': 'Fine-tuning',
  'fine-pruning': 'Fine-pruning',
};

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
    ${synthetic.length > 0 && html`<p class="warning">Measured on generated data (${synthetic.map(({ role }) => role).join(', ')}), which says that the method works, not how well it does on real inputs.</p>`}
    ${keyFigures(record)}
  </header>`;
}

/** The headline says whether it was repaired; what follows the colon says how. */
function withoutHeadline(text: string): string {
  const how = text.replace(/^(Repaired|Not repaired): /, '');
  return how.charAt(0).toUpperCase() + how.slice(1);
}

function keyFigures(record: RunRecord): Markup | undefined {
  const [before, after] = [record.evaluations[0], record.evaluations.at(-1)];
  if (before === undefined || after === undefined) return undefined;
  const figures = RATES.slice(0, 2).map(({ key, title }) => {
    const [from, to]: (CleanScore | undefined)[] = [before.evaluation[key], after.evaluation[key]];
    if (!counted(from) || !counted(to)) return undefined;
    const precision = key === 'acc' && to.map !== undefined;
    const share = (score: CleanScore) => percent(precision ? (score.map ?? 0) : score.rate);
    return html`<div>
      <dt>${precision ? 'mAP at IoU 0.5' : title}</dt>
      <dd>${before !== after && html`<span class="from">${share(from)} →</span> `}${share(to)}</dd>
    </div>`;
  });
  return html`<dl class="figures">
    ${figures}
    <div>
      <dt>Units pruned</dt>
      <dd>${record.stop.pruned} <span class="from">of ${record.site.units}</span></dd>
    </div>
  </dl>`;
}

export function evaluationsSection({ evaluations, held }: RunRecord): Markup | undefined {
  if (evaluations.length === 0) return held && heldSection(held);
  return html`<section id="evaluations">
    <h2>Before and after</h2>
    ${evaluationsTable(evaluations)}
    <p class="note">
      On test data, which was used to choose nothing. In brackets the 95% Wilson interval, then the
      counts. Attack success is the share of triggered inputs that get the attacker’s label; robust
      accuracy is the share of them that get their true one.
    </p>
  </section>`;
}

/** Rates of one network a line, each perhaps with something to say of it. */
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
        ({ name, evaluation, note }) =>
          html` <tr>
            <th scope="row">${METHOD[name]}${note && html`<span class="extent">${note}</span>`}</th>
            ${columns.map(({ key }) => html`<td>${rateCell(evaluation[key])}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Where there is no test data: what is known is of data that chose something. */
function heldSection({ before, after }: NonNullable<RunRecord['held']>): Markup {
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
          <th scope="row">${METHOD.none}</th>
          <td>${rateCell(before)}</td>
        </tr>
        <tr>
          <th scope="row">Treated</th>
          <td>${rateCell(after)}</td>
        </tr>
      </tbody>
    </table>
    <p class="note">
      No test data was given. These are on the part of the validation data that was not trained on,
      but chose the epoch: the second is a little too good.
    </p>
  </section>`;
}

export function curveSection(
  record: RunRecord,
  chart: Chart | undefined,
  id = 'curve',
): Markup | undefined {
  if (chart === undefined) return undefined;
  const series = curveSeries(record);
  const { pruned, reason } = record.stop;
  return html`<section id="${id}">
    <h2>Pruning, unit by unit</h2>
    <p>
      Units of <code>${record.site.name}</code> are pruned in ascending order of their
      ${rankedBy(record)} on clean validation data. Pruning stopped at ${pruned} of
      ${record.site.units} units: ${reason}.
    </p>
    <figure>
      <ul class="legend">
        ${series.map(({ key, title, color }) => swatch(title, color, key === 'validation' ? 'dashed' : ''))}
      </ul>
      ${both(chart)}
      <ol class="phases">
        ${phasesOf(record).map(
          ({ number: n, from, to, text }) =>
            html`<li value="${n}">
              ${n === 3 ? `After ${from}` : `${from} to ${to}`} units: ${text}.
            </li>`,
        )}
      </ol>
      <figcaption>
        Bands are 95% intervals. ${series.length > 1 && 'The test rates are shown, never used: '}The
        stopping point was chosen on validation data, with an allowed drop of
        ${number(100 * record.stop.maxDrop)} points.
      </figcaption>
      ${dataTable(
        ['pruned', 'share', 'unit', ...series.map(({ title }) => title)],
        record.curve.map((point) => [
          point.pruned,
          percent(point.pruned / record.site.units, 1),
          point.unit ?? '–',
          ...series.map(({ key }) => rateText(point[key])),
        ]),
      )}
    </figure>
  </section>`;
}

const RANKED: Record<string, string> = {
  'mean-absolute': 'mean absolute activation',
  max: 'largest activation',
  'active-share': 'share of inputs that activate them',
  std: 'standard deviation',
};

function rankedBy({ settings: { rank } }: RunRecord): string {
  return (typeof rank === 'string' && RANKED[rank]) || 'mean activation';
}

function unitList(title: string, units: readonly number[]): Markup | undefined {
  if (units.length === 0) return undefined;
  return html`<li>${title} (${units.length}): ${units.join(', ')}</li>`;
}

function inactiveNotes({ quiet }: RunRecord): Markup | undefined {
  if (quiet === undefined) return undefined;
  return html`<ul class="note">
    ${unitList('Cannot activate whatever the input, as decoys do that an attacker puts before pruning', quiet.possibleDecoys)}
    ${unitList('Dead: the same on every clean input', quiet.dead)}
    ${unitList('Dormant: next to no activation on clean inputs', quiet.dormant)}
  </ul>`;
}

export function activationsSection(record: RunRecord, chart: Chart, id = 'activations'): Markup {
  const { clean, triggered } = record.profile;
  const pruned = prunedUnits(record);
  const rank = new Map(record.order.map((unit, i) => [unit, i + 1]));
  return html`<section id="${id}">
    <h2>What each unit does</h2>
    <p>
      Mean activation of every unit of
      <code>${record.site.name}</code
      >${triggered ? ', on clean inputs and on the same kind of input with the trigger. Units that are quiet on clean inputs and loud on triggered ones are likely to carry the backdoor' : ' on clean inputs'}.
    </p>
    <figure>
      <ul class="legend">
        ${swatch('clean', COLORS.accuracy, 'block')}${triggered && swatch('triggered', COLORS.attack, 'dot')}${swatch('pruned', COLORS.shade, 'block')}
      </ul>
      ${both(chart)} ${inactiveNotes(record)}
      ${dataTable(
        ['unit', 'clean', ...(triggered ? ['triggered'] : []), 'pruning order', 'pruned'],
        clean.map((value, unit) => [
          unit,
          number(value),
          ...(triggered ? [number(triggered[unit] ?? 0)] : []),
          rank.get(unit) ?? '–',
          pruned.has(unit) ? 'yes' : 'no',
        ]),
      )}
    </figure>
  </section>`;
}

export function slimSection({ slim }: RunRecord): Markup | undefined {
  if (slim === undefined) return undefined;
  const { file, bytes, removed, kept, difference } = slim;
  const count = removed.reduce((sum, { units }) => sum + units.length, 0);
  const reasons = [...new Set(kept.map(({ why }) => why))];
  return html`<section id="slim">
    <h2>Without the pruned units</h2>
    ${file ? html`<p>${count} units are removed for real from <code>${file.path}</code>: ${bytes.after} bytes of ${bytes.before}. On validation data its outputs differ by ${number(difference ?? 0)} of the largest.</p>` : html`<p>No smaller file was written${difference === null || difference > 0 ? ', since its outputs would not have been the same' : ''}.</p>`}
    ${kept.length > 0 && html`<p>These stay in the network, zeroed:</p>`}
    <ul>
      ${reasons.map((why) => {
        const units = kept.filter((each) => each.why === why);
        return html`<li>
          ${units.map(({ unit }) => unit).join(', ')} of <code>${units[0]?.site ?? ''}</code>:
          ${why}
        </li>`;
      })}
    </ul>
  </section>`;
}
