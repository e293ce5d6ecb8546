import { loadPlot } from './svg.ts';
import { unitChart, type UnitChart } from './unit-chart.ts';
import { trainingChart } from './training-section.ts';
import { phasesOf } from './phases.ts';
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
  /** Mean gradient of the weights of every unit, in the same order. */
  readonly gradient: Chart | undefined;
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

/** Above so many points, their dots are small. */
const MANY_UNITS = 160;

/** The charts of a record; the same record gives the same bytes. */
export async function drawCharts(record: RunRecord): Promise<Charts> {
  const { Plot, draw } = await loadPlot();
  const epochs = record.training?.some((phase) => phase.epochs.length > 0);
  return {
    curve: record.curve.length > 0 ? twice((wide) => curve(Plot, draw, record, wide)) : undefined,
    activations: twice((wide) => unitChart(Plot, draw, record, activationsOf(record), wide)),
    gradient:
      record.gradient &&
      twice((wide) => unitChart(Plot, draw, record, gradientOf(record, record.gradient!), wide)),
    training: epochs
      ? {
          loss: trainingChart(Plot, draw, record, 'loss'),
          accuracy: trainingChart(Plot, draw, record, 'accuracy'),
        }
      : undefined,
  };
}

export function twice(chart: (wide: boolean) => Markup): Chart {
  return { wide: chart(true), narrow: chart(false) };
}

function activationsOf(record: RunRecord): UnitChart {
  const { clean, triggered } = record.profile;
  return {
    bars: clean,
    ...(triggered && { dots: triggered }),
    label: 'mean activation',
    text:
      `Mean activation of the ${clean.length} units on clean inputs` +
      `${triggered === undefined ? '' : ' and on triggered inputs'}, sorted by clean activation; ` +
      `${prunedUnits(record).size} are pruned. The data table below has every unit.`,
  };
}

function gradientOf(record: RunRecord, gradient: readonly number[]): UnitChart {
  const none = gradient.filter((size) => size === 0).length;
  return {
    bars: gradient,
    label: 'mean |gradient|',
    text:
      `Mean size of the gradient of the weights of the ${gradient.length} units, in the order of ` +
      `their clean activation: ${none} have none. The data table below has every unit.`,
  };
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
  const phases = phasesOf(record)
    .map((phase) => ({ ...phase, x1: phase.from / units, x2: Math.min(end, phase.to / units) }))
    .filter(({ x1, x2 }) => x2 > x1);
  const marks: Mark[] = [
    Plot.rectX(phases, {
      x1: 'x1',
      x2: 'x2',
      fill: ({ number }: { number: number }) => (number === 2 ? COLORS.attack : COLORS.shade),
      fillOpacity: ({ number }: { number: number }) =>
        number === 1 ? 0 : number === 2 ? 0.08 : 0.6,
      className: 'phases',
    }),
    Plot.text(phases, {
      x: ({ x1, x2 }: { x1: number; x2: number }) => (x1 + x2) / 2,
      frameAnchor: 'bottom',
      dy: -6,
      text: ({ number }: { number: number }) => String(number),
      fill: COLORS.validation,
      fontWeight: 600,
      className: 'phase-number',
    }),
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
