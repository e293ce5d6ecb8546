import { SUSPICIOUS_RATIO } from '../../defense/index.ts';
import { drawBoth } from '../charts/chart-parts.ts';
import { ratioChart } from '../charts/ratio-chart.ts';
import { loadPlot } from '../charts/svg.ts';
import type { Rate } from '../../metrics/index.ts';
import { number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { chartMarkup, dataTable, rateText } from '../page/parts.ts';
import { picture } from '../page/picture.ts';
import type { RepairScanRecord, ScanFindings } from './record.ts';

type Family = ScanFindings['families'][number];
type Suspect = ScanFindings['suspects'][number];

/** What a scan found: each suspect, the sizes of all classes, and decisions about the input. */
export async function findingSections(found: ScanFindings): Promise<Markup> {
  const families = [];
  for (const family of found.families) families.push(await familySection(family));
  return html`${found.suspects.map(suspectSection)} ${families} ${logicSection(found)}`;
}

/** Attack success of the real trigger, where triggered data were given. */
export interface RealAttack {
  readonly before: Rate;
  readonly after: Rate;
}

/** The scans before and after a repair, for its report. */
export async function repairScanSection(
  scan: RepairScanRecord | undefined,
  real: RealAttack | undefined,
): Promise<Markup> {
  if (!scan) return html``;
  const { before, after, remaining } = scan;
  const again = after ? `After: ${after.verdict}.` : 'It was not scanned again.';
  return html`<section id="scan">
      <h2>Scan before and after</h2>
      <p>
        Before: ${before.verdict}. ${again} A scan looks for the smallest trigger of each class on
        clean data, without the real trigger.
      </p>
      ${remaining.length > 0 && remainingTable(remaining, real)}
    </section>
    ${await findingSections(before)}`;
}

/** A row of two rates. */
const row = (name: string, before: Rate, after: Rate) =>
  html`<tr>
    <th scope="row">${name}</th>
    <td>${rateText(before)}</td>
    <td>${rateText(after)}</td>
  </tr>`;

/** How well the triggers work before and after; the real one below, to compare. */
function remainingTable(
  remaining: RepairScanRecord['remaining'],
  real: RealAttack | undefined,
): Markup {
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Trigger</th>
            <th scope="col">As delivered</th>
            <th scope="col">Repaired</th>
          </tr>
        </thead>
        <tbody>
          ${remaining.map(({ name, family, before, after }) =>
            row(`found: ${family} for ${name}`, before, after),
          )}
          ${real && row('real, on test data', real.before, real.after)}
        </tbody>
      </table>
    </div>
    <p class="note">
      Share of samples for which the trigger makes the network say the target. Triggers that a scan
      found predict what is left of the real one.
    </p>`;
}

function suspectSection(suspect: Suspect, at: number): Markup {
  const { name, family, size, typical, deviations, surrogate, places, examples } = suspect;
  return html`<section id="suspect-${at + 1}">
    <h2>Suspect: ${name}</h2>
    <p>
      A ${family} of size ${number(size, 3)} makes the network say ${name}; the median of the
      classes is ${number(typical, 3)} (${number(deviations, 2)} robust deviations). On clean
      samples that the search did not use it succeeds on ${rateText(surrogate)}.
    </p>
    ${places.length > 0 && html`<p class="note">Strongest at ${places.join('; ')}.</p>`}
    <div class="examples">
      ${suspect.mask && figure(picture(suspect.mask, `mask of the trigger for ${name}`), 'mask')}
      ${suspect.pattern && figure(picture(suspect.pattern, `trigger for ${name}`), family === 'patch' ? 'patch' : 'addition, at full contrast')}
      ${examples.map((example) =>
        figure(
          html`<div class="both">
            ${example.clean && picture(example.clean, `${example.before}, clean`)}
            ${example.triggered && picture(example.triggered, `${example.before}, with the trigger`)}
          </div>`,
          html`${example.before} → ${example.after}`,
        ),
      )}
    </div>
  </section>`;
}

function figure(content: Markup, caption: Markup | string): Markup {
  return html`<figure class="example">
    ${content}
    <figcaption>${caption}</figcaption>
  </figure>`;
}

/** The sizes of all classes in one family. */
async function familySection(family: Family): Promise<Markup> {
  const { Plot, draw } = await loadPlot();
  const bars = family.classes.map(({ name, ratio, reachable }) => ({
    name,
    ratio,
    suspect: reachable && ratio <= SUSPICIOUS_RATIO,
  }));
  const text = `Size of the smallest ${family.family} for each class, as a share of the median`;
  const chart = drawBoth((wide) =>
    ratioChart(Plot, draw, { bars, limit: SUSPICIOUS_RATIO, text }, wide),
  );
  return html`<section id="${family.family}">
    <h2>The smallest ${family.family} for each class</h2>
    <p>
      Size: ${family.unit}; median ${number(family.typical, 3)}. A class left of the dashed line is
      suspect.
    </p>
    <figure>${chartMarkup(chart)}</figure>
    ${dataTable(
      ['Class', 'Size', 'Of the median', 'Robust deviations', 'Success'],
      family.classes.map((one) => [
        one.name,
        one.reachable ? number(one.size, 4) : `not reachable (${number(one.size, 4)})`,
        number(one.ratio, 3),
        number(one.deviations, 2),
        rateText(one.surrogate),
      ]),
    )}
  </section>`;
}

function logicSection({ inputLogic }: ScanFindings): Markup | undefined {
  if (inputLogic.length === 0) return undefined;
  return html`<section id="input-logic">
    <h2>Decisions about the input</h2>
    <p class="warning">
      The graph decides by its input what reaches the scores. A backdoor can be such code, and no
      repair of weights removes it.
    </p>
    <ul>
      ${inputLogic.map(
        ({ gate, decisions }) => html`<li>${gate} is switched by ${decisions.join(', ')}</li>`,
      )}
    </ul>
  </section>`;
}
