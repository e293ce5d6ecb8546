import type { Rate } from '../../metrics/interval.ts';
import { COLORS, frame, percentAxis, percentTick, tenths } from './chart-parts.ts';
import { percent } from '../page/format.ts';
import type { Markup } from '../page/markup.ts';
import { phasesOf } from '../run/phases.ts';
import type { PrunedSite } from '../../defense/index.ts';
import type { Draw, Mark, Plot } from './svg.ts';

/** With more points than this, the dots are small. */
const MANY_UNITS = 160;

/** The lines of the pruning curve that the record has, from back to front. */
export function curveSeries(pruned: PrunedSite) {
  const all = [
    { key: 'acc', title: 'clean accuracy, test', color: COLORS.accuracy },
    { key: 'asr', title: 'attack success, test', color: COLORS.attack },
    { key: 'validation', title: 'clean accuracy, validation', color: COLORS.validation },
  ] as const;
  return all.filter(({ key }) => pruned.curve.some((point) => (point[key]?.of ?? 0) > 0));
}

/** Draws the pruning curve with its phases and the stop. */
export function curveChart(Plot: Plot, draw: Draw, pruned: PrunedSite, wide: boolean): Markup {
  const { units } = pruned.site;
  const stop = pruned.stop.pruned / units;
  const last = Math.max(...pruned.curve.map((point) => point.pruned)) / units;
  const end = last > 0.5 ? 1 : Math.max(last, stop) || 1;
  const radius = pruned.curve.length > MANY_UNITS ? 1 : wide ? 2.25 : 1.75;
  const phases = phasesOf(pruned)
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
      text: () => `stop: ${pruned.stop.pruned} of ${units} units`,
      textAnchor: stop < end / 3 ? 'start' : stop > (2 * end) / 3 ? 'end' : 'middle',
      fill: COLORS.stop,
      fontWeight: 600,
    }),
  ];
  for (const { key, color } of curveSeries(pruned)) {
    const points = pruned.curve.flatMap((point) => {
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
    curveText(pruned),
  );
}

function curveText(pruned: PrunedSite): string {
  const { units } = pruned.site;
  const { stop } = pruned;
  const at = pruned.curve.find((point) => point.pruned === stop.pruned);
  const first = pruned.curve[0];
  const series = curveSeries(pruned).map(({ key, title }) => {
    const [from, to] = [first?.[key], at?.[key]];
    if (from === undefined || to === undefined) return title;
    return `${title} goes from ${percent(from.rate)} to ${percent(to.rate)}`;
  });
  return (
    `Pruning curve: pruning stops at ${stop.pruned} of ${units} units. ` +
    `Up to there ${series.join('; ')}. The data table below has every point.`
  );
}
