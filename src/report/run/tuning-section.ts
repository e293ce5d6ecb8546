import { seriesColor } from '../charts/chart-parts.ts';
import type { TuningStep } from '../../defense/index.ts';
import { drawTraining } from '../charts/charts.ts';
import type { NamedRun } from '../charts/training-chart.ts';
import { number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';
import { isTuning, stepsOf } from './steps.ts';
import { dataTable, rateText, legendItem } from '../page/parts.ts';

/** Every run of fine-tuning of a record, named by its method. */
function runsOf({ outcomes }: RunRecord): NamedRun[] {
  return outcomes.flatMap(({ method, steps }) => {
    const tunings = steps.filter(isTuning);
    return tunings.flatMap(({ data }, index) =>
      namedRuns(tunings.length === 1 ? method : `${method}, step ${index + 1}`, data),
    );
  });
}

function namedRuns(name: string, { runs, settings }: TuningStep['data']): NamedRun[] {
  const keep = settings['keep'] === 'last' ? 'last' : 'chosen';
  return runs.map((run, index) => ({
    ...run,
    name: runs.length === 1 ? name : `${name}, run ${index + 1} of ${runs.length}`,
    keep,
  }));
}

/** The fine-tunings of all methods in one section, at the first step of this kind. */
export async function tuningSection(
  step: TuningStep,
  record: RunRecord,
): Promise<Markup | undefined> {
  return step === stepsOf(record).find(isTuning) ? comparedTunings(record) : undefined;
}

/** The fine-tunings of all methods, to compare them; undefined if there are none. */
export async function comparedTunings(record: RunRecord): Promise<Markup | undefined> {
  const runs = runsOf(record);
  if (runs.length === 0) return undefined;
  const charts = await drawTraining(runs);
  const trained = runs.filter(({ epochs }) => epochs.length > 0);
  return html`<section id="training">
    <h2>Training</h2>
    <figure>
      <ul class="legend">
        ${trained.map(({ name }, i) => legendItem(name, seriesColor(i), ''))}
      </ul>
      ${charts && html`<div class="pair">${charts.loss}${charts.accuracy}</div>`}
      <ul class="note">
        ${runs.map((run) => html`<li>${describeRun(run)}</li>`)}
      </ul>
      ${dataTable(
        ['run', 'epoch', 'loss', 'validation accuracy', 'learning rate'],
        trained.flatMap(({ name, epochs }) =>
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

/** How the rate was found, which epoch was kept, and every retry. */
function describeRun(run: NamedRun): string {
  const { name, rate, found, retries } = run;
  const sentences = [
    found
      ? `the learning rate ${number(rate)} was found by a range test, in which the loss began to rise at ${number(found.edge)}`
      : `the initial learning rate was ${number(rate)}`,
    describeEpoch(run),
    ...retries.map(({ epoch, rate: tried, because, loss }) =>
      because === 'loss'
        ? `in epoch ${epoch} at ${number(tried)} the loss ${loss === null ? 'was not finite' : `rose to ${number(loss)}`}, and training went on from an earlier epoch at a lower rate`
        : `at ${number(tried)} the accuracy at the end was below the allowed one, and training started again at a lower rate`,
    ),
  ];
  return `${name}: ${sentences.filter(Boolean).join('; ')}.`;
}

function describeEpoch({ chosen, epochs, keep }: NamedRun): string {
  const epoch = epochs[chosen - 1];
  if (!epoch) return 'the initial weights were kept';
  const kept = `epoch ${chosen} of ${epochs.length} was kept`;
  if (keep === 'last') return `${kept}, the last one, as the settings say`;
  const score = epoch.validation.map === undefined ? 'accuracy' : 'mean average precision';
  return `${kept}, the latest one whose validation ${score} is within one standard error of the highest`;
}
