import { number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';

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
