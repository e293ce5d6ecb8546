import { frame, percentTick, seriesColor } from './chart-parts.ts';
import type { Markup } from '../page/markup.ts';
import type { TuningRun } from '../../defense/index.ts';
import type { Draw, Mark, Plot } from './svg.ts';

/** A run of fine-tuning with a name for the legend. */
export interface NamedRun extends TuningRun {
  readonly name: string;
  /** The setting: which epoch is kept. */
  readonly keep: 'chosen' | 'last';
}

/** Draws loss or validation accuracy by epoch, one line per run. */
export function trainingChart(
  Plot: Plot,
  draw: Draw,
  runs: readonly NamedRun[],
  what: 'loss' | 'accuracy',
): Markup {
  const lines = runs.filter(({ epochs }) => epochs.length > 0);
  const last = Math.max(...lines.flatMap(({ epochs }) => epochs.map(({ epoch }) => epoch)));
  const first = Math.min(...lines.flatMap(({ epochs }) => epochs.map(({ epoch }) => epoch)));
  const marks = lines.flatMap(({ epochs }, i): Mark[] => {
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
