import type { CleanScore } from '../../metrics/evaluation.ts';
import type { Rate } from '../../metrics/interval.ts';
import type { Chart } from '../charts/chart-parts.ts';
import { interval, percent } from './format.ts';
import { html, type Markup } from './markup.ts';

/** A rate in a table cell, with its interval and count. */
export function rateCell(rate: CleanScore | undefined): Markup {
  if (!isMeasured(rate)) return html`–`;
  const { map } = rate;
  const first = map === undefined ? percent(rate.rate) : `mAP ${percent(map)}`;
  return html`<span class="rate">${first}</span
    ><span class="extent"
      >${map !== undefined && html`<span>found ${percent(rate.rate)}</span>`}<span
        >${interval(rate)}</span
      ><span>${rate.hits}/${rate.of}</span></span
    >`;
}

/** A chart; the style sheet shows one of its two drawings. */
export function chartMarkup({ wide, narrow }: Chart): Markup {
  return html`<div class="wide">${wide}</div>
    <div class="narrow">${narrow}</div>`;
}

/** An entry of a chart's legend. */
export function legendItem(title: string, color: string, shape: string): Markup {
  const paint = shape === 'dot' || shape === 'block' ? 'background' : 'border-color';
  return html`<li><i class="${shape}" style="${paint}:${color}"></i>${title}</li>`;
}

/** A rate on one line, with its interval and count. */
export function rateText(rate: CleanScore | undefined): string {
  if (!isMeasured(rate)) return '–';
  const map = rate.map === undefined ? '' : `mAP ${percent(rate.map)}, found `;
  return `${map}${percent(rate.rate)} ${interval(rate)} ${rate.hits}/${rate.of}`;
}

/** The numbers of a chart, folded up below it. */
export function dataTable(head: readonly string[], rows: readonly (string | number)[][]): Markup {
  return html`<details>
    <summary>Data table</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${head.map((title) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html` <tr>
                ${row.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

/** Whether there is a rate, and it counts at least one sample. */
export function isMeasured<T extends Rate>(rate: T | undefined): rate is T {
  return rate !== undefined && rate.of > 0;
}
