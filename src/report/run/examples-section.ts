import { html, type Markup } from '../page/markup.ts';
import { picture } from '../page/picture.ts';
import type { Example, RunRecord } from './record.ts';

export function examplesSection({ examples }: RunRecord): Markup | undefined {
  if (examples.length === 0) return undefined;
  return html`<section id="examples">
    <h2>Predictions</h2>
    <p>
      For some inputs, without and with the trigger, before and after the repair. Wrong predictions
      are marked ✗.
    </p>
    <div class="examples">${examples.map(exampleCard)}</div>
  </section>`;
}

function exampleCard(example: Example): Markup {
  const { image, triggeredImage, label } = example;
  const triggered = triggeredImage !== undefined || example.beforeTriggered !== undefined;
  const row = (title: string, clean: string, other: string | undefined) =>
    html`<tr>
      <th scope="row">${title}</th>
      <td>${predictionText(clean, label)}</td>
      ${triggered && html`<td>${predictionText(other, label)}</td>`}
    </tr>`;
  return html` <figure class="example">
    <table>
      <thead>
        <tr>
          <td></td>
          <th scope="col">clean${image && picture(image, `${label}, clean`)}</th>
          ${triggered && html`<th scope="col">triggered${triggeredImage && picture(triggeredImage, `${label}, with the trigger`)}</th>`}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">truth</th>
          <td>${label}</td>
          ${triggered && html`<td>${label}</td>`}
        </tr>
        ${row('before', example.before, example.beforeTriggered)}
        ${row('after', example.after, example.afterTriggered)}
      </tbody>
    </table>
  </figure>`;
}

function predictionText(predicted: string | undefined, label: string): Markup {
  if (predicted === undefined) return html`–`;
  return predicted === label ? html`${predicted}` : html`<span class="wrong">${predicted} ✗</span>`;
}
