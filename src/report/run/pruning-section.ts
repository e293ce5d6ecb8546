import type { PrunedSite, PruningStep } from '../../defense/index.ts';
import { COLORS, type Chart } from '../charts/chart-parts.ts';
import { drawSite } from '../charts/charts.ts';
import { curveSeries } from '../charts/curve-chart.ts';
import { number, percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { both, dataTable, rateText, swatch } from '../page/parts.ts';
import { phasesOf } from './phases.ts';
import { prunedUnits, type RecordedStep, type RunRecord } from './record.ts';

/**
 * What the page says of a step of kind 'pruning', site by site.
 *
 * @param before - how many sites the page has had before
 */
export async function pruningSection(
  { data }: RecordedStep,
  record: RunRecord,
  before = 0,
): Promise<Markup> {
  const { sites } = data as PruningStep['data'];
  const sections = sites.map(async (pruned, index) => {
    const gradient = record.reach?.find(({ site }) => site === pruned.site.name)?.gradient;
    const charts = await drawSite(pruned, gradient);
    const suffix = before + index === 0 ? '' : `-${before + index + 1}`;
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
      ${RANKED[pruned.rank] ?? 'mean activation'} on clean validation data. Pruning stopped at
      ${stop.pruned} of ${site.units} units: ${stop.reason}.
    </p>
    <figure>
      <ul class="legend">
        ${series.map(({ key, title, color }) => swatch(title, color, key === 'validation' ? 'dashed' : ''))}
      </ul>
      ${both(chart)}
      <ol class="phases">
        ${phasesOf(pruned).map(
          ({ number: n, from, to, text }) =>
            html`<li value="${n}">
              ${n === 3 ? `After ${from}` : `${from} to ${to}`} units: ${text}.
            </li>`,
        )}
      </ol>
      <figcaption>
        Bands are 95% intervals. ${series.length > 1 && 'The test rates are shown, never used: '}The
        stopping point was chosen on validation data, with an allowed drop of
        ${number(100 * stop.maxDrop)} points.
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

const RANKED: Record<string, string> = {
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
    ${unitList('Cannot activate whatever the input, as decoys do that an attacker puts before pruning', inactive.possibleDecoys)}
    ${unitList('Dead: the same on every clean input', inactive.dead)}
    ${unitList('Dormant: next to no activation on clean inputs', inactive.dormant)}
  </ul>`;
}

function activationsSection(site: PrunedSite, chart: Chart, id: string): Markup {
  const { clean, triggered } = site.profile;
  const pruned = prunedUnits(site);
  const rank = new Map(site.order.map((unit, i) => [unit, i + 1]));
  return html`<section id="${id}">
    <h2>What each unit does</h2>
    <p>
      Mean activation of every unit of
      <code>${site.site.name}</code
      >${triggered ? ', on clean inputs and on the same kind of input with the trigger. Units that clean inputs leave inactive and triggered ones activate are likely to carry the backdoor' : ' on clean inputs'}.
    </p>
    <figure>
      <ul class="legend">
        ${swatch('clean', COLORS.accuracy, 'block')}${triggered && swatch('triggered', COLORS.attack, 'dot')}${swatch('pruned', COLORS.shade, 'block')}
      </ul>
      ${both(chart)} ${inactiveNotes(site)}
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

/** What fine-tuning can and cannot reach. */
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
      Mean size of the gradient of the weights that make each unit of <code>${site.name}</code>, by
      the loss on clean data, before fine-tuning. Fine-tuning leaves a unit without a gradient as it
      is, a backdoor in it too: ${none} of ${site.units} units have none, and ${little} more less
      than a hundredth of the largest.
    </p>
    <figure>
      <ul class="legend">
        ${swatch('gradient', COLORS.accuracy, 'block')}${swatch('pruned', COLORS.shade, 'block')}
      </ul>
      ${both(chart)}
      ${dataTable(
        ['unit', 'mean |gradient|'],
        gradient.map((size, unit) => [unit, number(size)]),
      )}
    </figure>
  </section>`;
}
