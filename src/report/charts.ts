import { loadPlot } from './svg.ts';
import type { Draw, Mark, Plot } from './svg.ts';
import type { Rate } from '../metrics/interval.ts';
import { percent } from './format.ts';
import type { Markup } from './markup.ts';
import type { RunRecord } from './record.ts';

/** One chart drawn twice, so that its text can be read on a wide page and on a phone. */
export interface Chart {
  readonly wide: Markup;
  readonly narrow: Markup;
}

export interface Charts {
  /** Accuracy and attack success against the share of units pruned. */
  readonly curve: Chart | undefined;
  /** Mean activation of every unit, sorted by clean activation. */
  readonly activations: Chart;
  /** Loss and validation accuracy against epochs; both are small and drawn once. */
  readonly training: { readonly loss: Markup; readonly accuracy: Markup } | undefined;
}

/** Colours are variables of the page, which knows whether it is light or dark. */
export const COLORS = {
  accuracy: 'var(--accuracy)',
  validation: 'var(--validation)',
  attack: 'var(--attack)',
  stop: 'var(--ink)',
  shade: 'var(--shade)',
  series: ['var(--accuracy)', 'var(--attack)', 'var(--third)', 'var(--validation)'],
} as const;

/** Above so many units a bar is thinner than the gap beside it: draw outlines. */
const MANY_UNITS = 160;

/** The charts of a record; the same record gives the same bytes. */
export async function drawCharts(record: RunRecord): Promise<Charts> {
  const { Plot, draw } = await loadPlot();
  const epochs = record.training?.some((phase) => phase.epochs.length > 0);
  return {
    curve: record.curve.length > 0 ? twice((wide) => curve(Plot, draw, record, wide)) : undefined,
    activations: twice((wide) => activations(Plot, draw, record, wide)),
    training: epochs
      ? {
          loss: training(Plot, draw, record, 'loss'),
          accuracy: training(Plot, draw, record, 'accuracy'),
        }
      : undefined,
  };
}

export function twice(chart: (wide: boolean) => Markup): Chart {
  return { wide: chart(true), narrow: chart(false) };
}

/** Units that are pruned in the output model. */
export function prunedUnits(record: RunRecord): Set<number> {
  return new Set(record.order.slice(0, record.stop.pruned));
}

/** The series of the pruning curve, those the record has, from the back to the front. */
export function curveSeries(record: RunRecord) {
  const all = [
    { key: 'acc', title: 'clean accuracy, test', color: COLORS.accuracy },
    { key: 'asr', title: 'attack success, test', color: COLORS.attack },
    { key: 'validation', title: 'clean accuracy, validation', color: COLORS.validation },
  ] as const;
  return all.filter(({ key }) => record.curve.some((point) => (point[key]?.of ?? 0) > 0));
}

export function frame(wide: boolean) {
  return {
    width: wide ? 720 : 350,
    height: wide ? 330 : 270,
    marginLeft: 44,
    marginRight: 16,
    marginTop: 26,
    marginBottom: 42,
  };
}

function curve(Plot: Plot, draw: Draw, record: RunRecord, wide: boolean): Markup {
  const { units } = record.site;
  const stop = record.stop.pruned / units;
  const last = Math.max(...record.curve.map((point) => point.pruned)) / units;
  const end = last > 0.5 ? 1 : Math.max(last, stop) || 1;
  const radius = record.curve.length > MANY_UNITS ? 1 : wide ? 2.25 : 1.75;
  const marks: Mark[] = [
    Plot.ruleX([stop], { stroke: COLORS.stop, strokeDasharray: '3,3', className: 'stop' }),
    Plot.text([stop], {
      x: (x: number) => x,
      frameAnchor: 'top',
      dy: -18,
      text: () => `stop: ${record.stop.pruned} of ${units} units`,
      textAnchor: stop < end / 3 ? 'start' : stop > (2 * end) / 3 ? 'end' : 'middle',
      fill: COLORS.stop,
      fontWeight: 600,
    }),
  ];
  for (const { key, color } of curveSeries(record)) {
    const points = record.curve.flatMap((point) => {
      const rate: Rate | undefined = point[key];
      return rate === undefined || rate.of === 0 ? [] : [{ x: point.pruned / units, ...rate }];
    });
    const dashes = key === 'validation' ? { strokeDasharray: '5,3' } : {};
    marks.push(
      Plot.areaY(points, { x: 'x', y1: 'low', y2: 'high', fill: color, fillOpacity: 0.16 }),
      Plot.line(points, { x: 'x', y: 'rate', stroke: color, strokeWidth: 1.75, ...dashes }),
      Plot.dot(points, { x: 'x', y: 'rate', r: radius, fill: color, className: `point-${key}` }),
    );
  }
  const ticks = end === 1 ? { ticks: wide ? tenths(1) : tenths(2.5) } : { ticks: wide ? 8 : 4 };
  return draw(
    {
      ...frame(wide),
      x: { domain: [0, end], ...ticks, tickFormat: percentTick(end), label: 'units pruned' },
      y: percentAxis,
      marks: [Plot.gridY({ ticks: tenths(2), strokeOpacity: 0.12 }), ...marks],
    },
    curveText(record),
  );
}

function curveText(record: RunRecord): string {
  const { units } = record.site;
  const { stop } = record;
  const at = record.curve.find((point) => point.pruned === stop.pruned);
  const first = record.curve[0];
  const series = curveSeries(record).map(({ key, title }) => {
    const [from, to] = [first?.[key], at?.[key]];
    if (from === undefined || to === undefined) return title;
    return `${title} goes from ${percent(from.rate)} to ${percent(to.rate)}`;
  });
  return (
    `Pruning curve: pruning stops at ${stop.pruned} of ${units} units. ` +
    `Up to there ${series.join('; ')}. The data table below has every point.`
  );
}

function activations(Plot: Plot, draw: Draw, record: RunRecord, wide: boolean): Markup {
  const { clean, triggered } = record.profile;
  const pruned = prunedUnits(record);
  const bars = clean
    .map((value, unit) => ({ unit, clean: value, triggered: triggered?.[unit] ?? null }))
    .sort((a, b) => a.clean - b.clean || a.unit - b.unit)
    .map((bar, rank) => ({ ...bar, x1: rank, x: rank + 0.5, x2: rank + 1 }));
  const shade = runs(bars.map((bar) => pruned.has(bar.unit)));
  const inset = bars.length > MANY_UNITS ? 0 : wide ? 1 : 0.5;
  const attack = COLORS.attack;
  const marks: Mark[] = [
    Plot.rectX(shade, { x1: 'from', x2: 'to', fill: COLORS.shade, className: 'pruned' }),
    Plot.gridY({ ticks: 5, strokeOpacity: 0.12 }),
  ];
  if (bars.length <= MANY_UNITS) {
    marks.push(
      Plot.rectY(bars, {
        x1: 'x1',
        x2: 'x2',
        y1: 0,
        y2: 'clean',
        inset: 0,
        insetLeft: inset,
        insetRight: inset,
        fill: COLORS.accuracy,
        className: 'clean',
      }),
    );
    if (triggered !== undefined) {
      marks.push(
        Plot.ruleX(bars, {
          x: 'x',
          y1: 'clean',
          y2: 'triggered',
          stroke: attack,
          strokeOpacity: 0.5,
        }),
        Plot.dot(bars, {
          x: 'x',
          y: 'triggered',
          r: wide ? 2.5 : 1.75,
          fill: attack,
          className: 'triggered',
        }),
      );
    }
  } else {
    marks.push(
      Plot.areaY(bars, {
        x: 'x',
        y1: 0,
        y2: 'clean',
        curve: 'step',
        fill: COLORS.accuracy,
        className: 'clean',
      }),
    );
    if (triggered !== undefined) {
      marks.push(
        Plot.dot(bars, {
          x: 'x',
          y: 'triggered',
          r: wide ? 1.75 : 1.25,
          fill: attack,
          className: 'triggered',
        }),
      );
    }
  }
  return draw(
    {
      ...frame(wide),
      x: { domain: [0, bars.length], label: 'units, by clean activation', ticks: wide ? 8 : 4 },
      y: { label: 'mean activation', nice: true, zero: true, ticks: 5 },
      marks: [...marks, Plot.ruleY([0], { strokeOpacity: 0.4 })],
    },
    `Mean activation of the ${bars.length} units on clean inputs` +
      `${triggered === undefined ? '' : ' and on triggered inputs'}, sorted by clean activation; ` +
      `${pruned.size} are pruned. The data table below has every unit.`,
  );
}

function training(Plot: Plot, draw: Draw, record: RunRecord, what: 'loss' | 'accuracy'): Markup {
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

export function seriesColor(i: number): string {
  return COLORS.series[i % COLORS.series.length]!;
}

export const percentAxis = {
  domain: [0, 1],
  ticks: tenths(2),
  tickFormat: percentTick(1),
  label: null,
};

/** 0 to 1 in steps of so many tenths. */
export function tenths(step: number): number[] {
  return Array.from({ length: Math.round(10 / step) + 1 }, (_, i) => (i * step) / 10);
}

/** Percent, with a decimal where the axis is short. */
export function percentTick(range: number): (share: number) => string {
  return (share) => `${Number((100 * share).toFixed(range > 0.15 ? 0 : 1))}%`;
}

/** The maximal runs of `true`, as half-open ranges of indices. */
export function runs(flags: readonly boolean[]): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  flags.forEach((flag, i) => {
    if (!flag) return;
    const previous = found.at(-1);
    if (previous?.to === i) previous.to = i + 1;
    else found.push({ from: i, to: i + 1 });
  });
  return found;
}
