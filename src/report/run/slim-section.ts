import { number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';

/** The smaller file without the pruned units, where one was asked for. */
export function slimSection({ slim }: RunRecord): Markup | undefined {
  if (slim === undefined) return undefined;
  const { file, bytes, removed, kept, difference } = slim;
  const count = removed.reduce((sum, { units }) => sum + units.length, 0);
  const reasons = [...new Set(kept.map(({ why }) => why))];
  return html`<section id="slim">
    <h2>Without the pruned units</h2>
    ${file ? html`<p>${count} units are removed in <code>${file.path}</code>, which has ${bytes.after} bytes in place of ${bytes.before}. On validation data its outputs differ by at most ${number(difference ?? 0)} of the largest output.</p>` : html`<p>No smaller file was written${difference === null || difference > 0 ? ', because its outputs would differ' : ''}.</p>`}
    ${kept.length > 0 && html`<p>These units stay in the network with zero weights:</p>`}
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
