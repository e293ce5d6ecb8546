import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';

/** The confusions that changed most. */
export function confusionsSection({ confusions = [] }: RunRecord): Markup | undefined {
  const shown = confusions.filter(({ changed }) => changed.length > 0);
  if (shown.length === 0) return undefined;
  return html`<section id="confusions">
    <h2>Confusions that changed most</h2>
    <p>How often inputs of a class were predicted as another one, before and after.</p>
    <div class="pair">
      ${shown.map(
        ({ of, changed }) =>
          html`<table>
            <caption>
              ${of === 'triggered' ? 'With the trigger' : 'Clean'}
            </caption>
            <thead>
              <tr>
                ${['true class', 'predicted', 'before', 'after'].map((title) => html`<th scope="col">${title}</th>`)}
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

/** The layers of the network, with the pruned sites marked. */
export function structureSection({ layers = [] }: RunRecord): Markup | undefined {
  if (layers.length === 0) return undefined;
  const weights = layers.reduce((sum, layer) => sum + layer.weights, 0);
  return html`<section id="structure">
    <h2>The network</h2>
    <p>
      The ${layers.length} layers that have weights or were pruned, in the order in which they run,
      with ${weights} weights in all.
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
                <td>${own === 0 ? '' : own}${own > 0 && !trained && ' (not trained)'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
