import { COLORS, type Chart } from '../charts/chart-parts.ts';
import { number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';
import { both, dataTable, swatch } from '../page/parts.ts';

/** What fine-tuning can and cannot reach. */
export function reachSection(
  { site, gradient }: RunRecord,
  chart: Chart | undefined,
  id = 'reach',
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

/** The answers that changed most. */
export function confusionsSection({ confusions = [] }: RunRecord): Markup | undefined {
  const told = confusions.filter(({ changed }) => changed.length > 0);
  if (told.length === 0) return undefined;
  return html`<section id="confusions">
    <h2>Answers that changed most</h2>
    <p>How often inputs of one class were called another, before and after.</p>
    <div class="pair">
      ${told.map(
        ({ of, changed }) =>
          html`<table>
            <caption>
              ${of === 'triggered' ? 'With the trigger' : 'Clean'}
            </caption>
            <thead>
              <tr>
                ${['true class', 'called', 'before', 'after'].map((title) => html`<th scope="col">${title}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${changed.map(
                ({ label, predicted, before, after, of: all }) =>
                  html`<tr>
                    <th scope="row">${label}</th>
                    <td>${predicted}</td>
                    <td>${before}</td>
                    <td>${after} <span class="from">of ${all}</span></td>
                  </tr>`,
              )}
            </tbody>
          </table>`,
      )}
    </div>
  </section>`;
}

/** The network, layer by layer, with the sites marked. */
export function structureSection({ layers = [] }: RunRecord): Markup | undefined {
  if (layers.length === 0) return undefined;
  const weights = layers.reduce((sum, layer) => sum + layer.weights, 0);
  return html`<section id="structure">
    <h2>The network</h2>
    <p>
      Its ${layers.length} layers that hold weights or were pruned, ${weights} numbers in all, in
      the order in which they run.
    </p>
    <div class="scroll">
      <table class="layers">
        <thead>
          <tr>
            ${['layer', 'kind', 'output', 'weights'].map((title) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${layers.map(
            ({ name, op, dims, weights: own, trained, site }) =>
              html`<tr class="${site === undefined ? '' : 'site'}">
                <th scope="row">
                  <code>${name}</code>${site !== undefined && html` <strong>◂ pruned here</strong>`}
                </th>
                <td>${op}</td>
                <td>${dims.join(' × ')}</td>
                <td>${own === 0 ? '' : own}${own > 0 && !trained && ' (left as they are)'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
