import { frame, percentTick, seriesColor, type Charts } from './charts.ts';
import { number } from './format.ts';
import { html } from './markup.ts';
import type { Markup } from './markup.ts';
import type { RunRecord } from './record.ts';
import { dataTable, rateText, swatch } from './sections.ts';
import type { Draw, Mark, Plot } from './svg.ts';

type Run = NonNullable<RunRecord['training']>[number];

export function trainingSection(
  { training }: RunRecord,
  charts: Charts['training'],
): Markup | undefined {
  if (training === undefined || training.length === 0) return undefined;
  const phases = training.filter(({ epochs }) => epochs.length > 0);
  return html`<section id="training">
    <h2>Training</h2>
    <figure>
      <ul class="legend">
        ${phases.map(({ name }, i) => swatch(name, seriesColor(i), ''))}
      </ul>
      ${charts && html`<div class="pair">${charts.loss}${charts.accuracy}</div>`}
      <ul class="note">
        ${training.map((run) => html`<li>${toldOf(run)}</li>`)}
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
function toldOf({ name, epochs, best, rate, found, retries = [] }: Run): string {
  const sentences = [
    found && rate !== undefined
      ? `the learning rate ${number(rate)} was found by a range test, in which the loss blew up at ${number(found.edge)}`
      : rate !== undefined && `the learning rate began at ${number(rate)}`,
    best !== undefined &&
      (best === 0
        ? 'the weights that it began with were kept'
        : `epoch ${best} of ${epochs.length} was kept`),
    ...retries.map(({ epoch, rate: tried, because, loss }) =>
      because === 'loss'
        ? `in epoch ${epoch} at ${number(tried)} the loss ${loss === null ? 'was no number' : `rose to ${number(loss)}`}, and training went back and on at a quarter of that`
        : `at ${number(tried)} accuracy ended below what is allowed, and training began again at a quarter of that`,
    ),
  ];
  return `${name}: ${sentences.filter(Boolean).join('; ')}.`;
}

export function trainingChart(
  Plot: Plot,
  draw: Draw,
  record: RunRecord,
  what: 'loss' | 'accuracy',
): Markup {
  const phases = (record.training ?? []).filter((phase) => phase.epochs.length > 0);
  const last = Math.max(...phases.flatMap(({ epochs }) => epochs.map(({ epoch }) => epoch)));
  const first = Math.min(...phases.flatMap(({ epochs }) => epochs.map(({ epoch }) => epoch)));
  const marks = phases.flatMap(({ epochs }, i): Mark[] => {
    const color = seriesColor(i);
    const points = epochs.map(({ epoch, loss, validation }) => ({ epoch, loss, ...validation }));
    const y = what === 'loss' ? 'loss' : 'rate';
    const band = Plot.areaY(points, {
      x: 'epoch',
      y1: 'low',
      y2: 'high',
      fill: color,
      fillOpacity: 0.16,
    });
    return [
      ...(what === 'loss' ? [] : [band]),
      Plot.line(points, { x: 'epoch', y, stroke: color, strokeWidth: 1.75 }),
      Plot.dot(points, { x: 'epoch', y, r: 2.25, fill: color, className: `point-${what}` }),
    ];
  });
  const step = Math.max(1, Math.ceil((last - first) / 6));
  const ticks = Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, i) => first + i * step,
  );
  const y =
    what === 'loss'
      ? { label: 'training loss', nice: true, zero: true, ticks: 5 }
      : { label: 'validation accuracy', nice: true, ticks: 5, tickFormat: percentTick(0.1) };
  return draw(
    {
      ...frame(false),
      height: 220,
      marginLeft: 54,
      x: { label: 'epoch', ticks, tickFormat: 'd' },
      y,
      marks: [Plot.gridY({ ticks: 5, strokeOpacity: 0.12 }), ...marks],
    },
    `${what === 'loss' ? 'Training loss' : 'Validation accuracy'} by epoch. ` +
      'The data table below has every epoch.',
  );
}
