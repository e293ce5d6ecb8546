import type { PrunedSite, PruningStep } from '../../defense/index.ts';
import { COLORS, type Chart } from '../charts/chart-parts.ts';
import { drawSite } from '../charts/charts.ts';
import { curveSeries } from '../charts/curve-chart.ts';
import { number, percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { chartMarkup, dataTable, rateText, legendItem } from '../page/parts.ts';
import { phasesOf } from './phases.ts';
import type { RunRecord } from './record.ts';
import { prunedSitesOf, prunedUnitsOf } from './steps.ts';

/** A step of kind 'pruning', site by site. */
export async function pruningSection({ data }: PruningStep, record: RunRecord): Promise<Markup> {
  const all = prunedSitesOf(record);
  const sections = data.sites.map(async (pruned) => {
    const gradient = record.reach?.find(({ site }) => site === pruned.site.name)?.gradient;
    const charts = await drawSite(pruned, gradient);
    // Ids are unique on the page: `curve`, `curve-2`, ...
    const index = all.indexOf(pruned);
    const suffix = index === 0 ? '' : `-${index + 1}`;
    return html`${curveSection(pruned, charts.curve, `curve${suffix}`)}
    ${activationsSection(pruned, charts.activations, `activations${suffix}`)}
    ${reachSection(pruned, gradient, charts.gradient, `reach${suffix}`)}`;
  });
  return html`${await Promise.all(sections)}`;
}

function curveSection(
  pruned: PrunedSite,
  chart: Chart | undefined,
  id: string,
): Markup | undefined {
  if (chart === undefined) return undefined;
  const series = curveSeries(pruned);
  const { stop, site } = pruned;
  return html`<section id="${id}">
    <h2>Pruning, unit by unit</h2>
    <p>
      Units of <code>${site.name}</code> are pruned in ascending order of their
      ${RANKINGS[pruned.rank] ?? 'mean activation'} on clean validation data. Pruning stopped at
      ${stop.pruned} of ${site.units} units: ${stop.reason}.
    </p>
    <figure>
      <ul class="legend">
        ${series.map(({ key, title, color }) => legendItem(title, color, key === 'validation' ? 'dashed' : ''))}
      </ul>
      ${chartMarkup(chart)}
      <ol class="phases">
        ${phasesOf(pruned).map(
          ({ number: n, from, to, text }) =>
            html`<li value="${n}">
              ${n === 3 ? `After ${from}` : `${from} to ${to}`} units: ${text}.
            </li>`,
        )}
      </ol>
      <figcaption>
        Bands are 95% intervals. The stop was chosen on validation data, for a drop of at most
        ${number(100 * stop.maxDrop)} percentage
        points${series.length > 1 && '; the rates on test data chose nothing'}.
      </figcaption>
      ${dataTable(
        ['pruned', 'share', 'unit', ...series.map(({ title }) => title)],
        pruned.curve.map((point) => [
          point.pruned,
          percent(point.pruned / site.units, 1),
          point.unit ?? '–',
          ...series.map(({ key }) => rateText(point[key])),
        ]),
      )}
    </figure>
  </section>`;
}

/** Rankings in words; the mean of the paper is the default. */
const RANKINGS: Readonly<Record<string, string>> = {
  'mean-absolute': 'mean absolute activation',
  max: 'largest activation',
  'active-share': 'share of inputs that activate them',
  std: 'standard deviation',
};

function unitList(title: string, units: readonly number[]): Markup | undefined {
  if (units.length === 0) return undefined;
  return html`<li>${title} (${units.length}): ${units.join(', ')}</li>`;
}

function inactiveNotes({ inactive }: PrunedSite): Markup | undefined {
  if (inactive === undefined) return undefined;
  return html`<ul class="note">
    ${unitList('Cannot activate on any input, like the decoys of a pruning-aware attack', inactive.possibleDecoys)}
    ${unitList('Dead: the same activation on every clean input', inactive.dead)}
    ${unitList('Dormant: almost no activation on clean inputs', inactive.dormant)}
  </ul>`;
}

function activationsSection(site: PrunedSite, chart: Chart, id: string): Markup {
  const { clean, triggered } = site.profile;
  const pruned = prunedUnitsOf(site);
  const rank = new Map(site.order.map((unit, i) => [unit, i + 1]));
  return html`<section id="${id}">
    <h2>Activation of each unit</h2>
    <p>
      Mean activation of every unit of
      <code>${site.site.name}</code
      >${triggered ? ', on clean inputs and on inputs with the trigger. Units that are active only with the trigger are likely to carry the backdoor' : ' on clean inputs'}.
    </p>
    <figure>
      <ul class="legend">
        ${legendItem('clean', COLORS.accuracy, 'block')}${triggered && legendItem('triggered', COLORS.attack, 'dot')}${legendItem('pruned', COLORS.shade, 'block')}
      </ul>
      ${chartMarkup(chart)} ${inactiveNotes(site)}
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

/** Which units fine-tuning can change. */
function reachSection(
  { site }: PrunedSite,
  gradient: readonly number[] | undefined,
  chart: Chart | undefined,
  id: string,
): Markup | undefined {
  if (gradient === undefined || chart === undefined) return undefined;
  const most = Math.max(...gradient);
  const none = gradient.filter((size) => size === 0).length;
  const little = gradient.filter((size) => size > 0 && size < most / 100).length;
  return html`<section id="${id}">
    <h2>What fine-tuning can reach</h2>
    <p>
      Mean size of the gradient of the loss on clean data with respect to the weights of each unit
      of
      <code>${site.name}</code>, before fine-tuning. Fine-tuning does not change a unit without a
      gradient, nor a backdoor in it: ${none} of ${site.units} units have none, and ${little} more
      have less than a hundredth of the largest.
    </p>
    <figure>
      <ul class="legend">
        ${legendItem('gradient', COLORS.accuracy, 'block')}${legendItem('pruned', COLORS.shade, 'block')}
      </ul>
      ${chartMarkup(chart)}
      ${dataTable(
        ['unit', 'mean |gradient|'],
        gradient.map((size, unit) => [unit, number(size)]),
      )}
    </figure>
  </section>`;
}
