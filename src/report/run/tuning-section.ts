import { seriesColor } from '../charts/chart-parts.ts';
import type { TuningStep } from '../../defense/index.ts';
import { drawTraining } from '../charts/charts.ts';
import type { NamedRun } from '../charts/training-chart.ts';
import { number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';
import { dataTable, rateText, swatch } from '../page/parts.ts';

/** Every fine-tuning of a record, by the method that it belongs to. */
function runsOf({ outcomes }: RunRecord): NamedRun[] {
  return outcomes.flatMap(({ method, steps }) =>
    steps.filter(({ kind }) => kind === 'tuning').flatMap(({ data }) => namedRuns(method, data)),
  );
}

function namedRuns(method: string, data: unknown): NamedRun[] {
  const { runs, settings } = data as TuningStep['data'];
  const keep = settings['keep'] === 'last' ? 'last' : 'chosen';
  return runs.map((run, index) => ({
    ...run,
    name: runs.length === 1 ? method : `${method}, run ${index + 1} of ${runs.length}`,
    keep,
  }));
}

/** The fine-tunings of all methods, to be compared. */
export async function tuningSection(record: RunRecord): Promise<Markup | undefined> {
  const runs = runsOf(record);
  if (runs.length === 0) return undefined;
  const charts = await drawTraining(runs);
  const phases = runs.filter(({ epochs }) => epochs.length > 0);
  return html`<section id="training">
    <h2>Training</h2>
    <figure>
      <ul class="legend">
        ${phases.map(({ name }, i) => swatch(name, seriesColor(i), ''))}
      </ul>
      ${charts && html`<div class="pair">${charts.loss}${charts.accuracy}</div>`}
      <ul class="note">
        ${runs.map((run) => html`<li>${toldOf(run)}</li>`)}
      </ul>
      ${dataTable(
        ['run', 'epoch', 'loss', 'validation accuracy', 'learning rate'],
        phases.flatMap(({ name, epochs }) =>
          epochs.map((e) => [
            name,
            e.epoch,
            number(e.loss),
            rateText(e.validation),
            number(e.learningRate),
          ]),
        ),
      )}
    </figure>
  </section>`;
}

/** How the rate came to be, which epoch was kept, and what went wrong on the way. */
function toldOf(run: NamedRun): string {
  const { name, rate, found, retries } = run;
  const sentences = [
    found
      ? `the learning rate ${number(rate)} was found by a range test, in which the loss began to rise at ${number(found.edge)}`
      : `the learning rate began at ${number(rate)}`,
    keptOf(run),
    ...retries.map(({ epoch, rate: tried, because, loss }) =>
      because === 'loss'
        ? `in epoch ${epoch} at ${number(tried)} the loss ${loss === null ? 'was no number' : `rose to ${number(loss)}`}, and training went back and on at a lower rate`
        : `at ${number(tried)} accuracy ended below what is allowed, and training began again at a lower rate`,
    ),
  ];
  return `${name}: ${sentences.filter(Boolean).join('; ')}.`;
}

function keptOf({ chosen, epochs, keep }: NamedRun): string {
  const epoch = epochs[chosen - 1];
  if (!epoch) return 'the weights that it began with were kept';
  if (keep === 'last')
    return `epoch ${chosen} of ${epochs.length} was kept, the last, as was asked for`;
  const score = epoch.validation.map === undefined ? 'accuracy' : 'mean average precision';
  return `epoch ${chosen} of ${epochs.length} was kept, the latest whose validation ${score} is within one standard error of the highest`;
}
