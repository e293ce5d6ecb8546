import {
  COLORS,
  frame,
  percentAxis,
  percentTick,
  tenths,
  drawBoth,
  type Chart,
} from '../charts/chart-parts.ts';
import { percent } from '../page/format.ts';
import type { Markup } from '../page/markup.ts';
import { attackTitle, NO_ATTACK, phasesOf, type NetworkRecord } from './record.ts';
import { loadPlot, type Draw, type Mark, type Plot } from '../charts/svg.ts';

/** Dashes of the curves, by the order of the attacks: the first is solid. */
const DASHES = [undefined, '5,3', '2,2', '8,3,2,3'] as const;

/** How the curve of the n-th attack of a chart is drawn. */
export function dashOf(index: number): string | undefined {
  return DASHES[index % DASHES.length];
}

/** The networks with a backdoor: the charts show only these. */
export function attackedOf(networks: readonly NetworkRecord[]): NetworkRecord[] {
  return networks.filter(({ attack }) => attack !== NO_ATTACK);
}

/** The pruning curves of all attacks in one chart, with the phases of each below. */
export async function curvesChart(attacked: readonly NetworkRecord[]): Promise<Chart> {
  const { Plot, draw } = await loadPlot();
  return drawBoth((wide) => curves(Plot, draw, attacked, wide));
}

/** Mean activation of every unit, in pruning order. */
export async function unitsChart(network: NetworkRecord): Promise<Chart> {
  const { Plot, draw } = await loadPlot();
  return drawBoth((wide) => units(Plot, draw, network, wide));
}

function curves(Plot: Plot, draw: Draw, networks: readonly NetworkRecord[], wide: boolean): Markup {
  const marks: Mark[] = [Plot.gridY({ ticks: tenths(2), strokeOpacity: 0.12 })];
  for (const [index, network] of networks.entries()) {
    const all = network.order.length;
    const dash = dashOf(index);
    for (const [key, color] of [
      ['acc', COLORS.accuracy],
      ['asr', COLORS.attack],
    ] as const) {
      const points = network.curve.map((point) => ({ x: point.pruned / all, ...point[key] }));
      const dashes = dash ? { strokeDasharray: dash } : {};
      marks.push(
        Plot.areaY(points, { x: 'x', y1: 'low', y2: 'high', fill: color, fillOpacity: 0.12 }),
        Plot.line(points, {
          x: 'x',
          y: 'rate',
          stroke: color,
          strokeWidth: 1.75,
          className: `${key}-${network.attack}`,
          ...dashes,
        }),
      );
    }
    marks.push(...phases(Plot, network, index, wide));
  }
  return draw(
    {
      ...frame(wide),
      height: wide ? 400 : 340,
      x: {
        domain: [0, 1],
        ticks: wide ? tenths(1) : tenths(2.5),
        tickFormat: percentTick(1),
        label: 'units pruned',
      },
      y: { ...percentAxis, domain: [-0.09 * networks.length - 0.03, 1] },
      marks,
    },
    networks.map(curveText).join(' '),
  );
}

/** The phases of the n-th curve as a bar below the axis. */
function phases(Plot: Plot, network: NetworkRecord, index: number, wide: boolean): Mark[] {
  const all = network.order.length;
  const { dormant, backdoor } = phasesOf(network);
  const bounds = [0, dormant, backdoor, all].map((count) => count / all);
  const top = -0.03 - 0.09 * index;
  const title = attackTitle(network.attack);
  const parts = [
    // The first part has the name of the network, as far as there is room.
    {
      texts: [`${title}: dormant`, `${network.attack}: dormant`, network.attack],
      color: COLORS.validation,
    },
    { texts: ['backdoor'], color: COLORS.attack },
    { texts: ['clean'], color: COLORS.accuracy },
  ].map((part, i) => ({ ...part, x1: bounds[i] ?? 0, x2: bounds[i + 1] ?? 0 }));
  const some = parts.flatMap(({ texts, color, x1, x2 }) => {
    const characters = (x2 - x1) * (wide ? 110 : 44);
    const text = texts.find(({ length }) => length < characters) ?? '';
    return x2 > x1 ? [{ color, x1, x2, text }] : [];
  });
  return [
    Plot.rect(some, {
      x1: 'x1',
      x2: 'x2',
      y1: top,
      y2: top - 0.07,
      fill: 'color',
      fillOpacity: 0.3,
      className: `phases-${network.attack}`,
    }),
    Plot.text(some, {
      x: 'x1',
      y: top - 0.035,
      dx: 4,
      text: 'text',
      textAnchor: 'start',
      fill: COLORS.stop,
    }),
  ];
}

function curveText(network: NetworkRecord): string {
  const { dormant, backdoor } = phasesOf(network);
  const at = network.curve.find(({ pruned }) => pruned === network.stop);
  const stop = at ? ` with attack success ${percent(at.asr.rate)}` : '';
  return (
    `${attackTitle(network.attack)}: pruning stops at ${network.stop} of ` +
    `${network.order.length} units${stop}; neither rate falls up to ${dormant} units, and only ` +
    `attack success from there to ${backdoor}.`
  );
}

function units(Plot: Plot, draw: Draw, network: NetworkRecord, wide: boolean): Markup {
  const bars = network.order.flatMap((number, rank) => {
    const unit = network.units.find((each) => each.unit === number);
    return unit
      ? [{ ...unit, x: rank + 0.5, x1: rank, x2: rank + 1, asr: unit.ablated.asr.rate }]
      : [];
  });
  const decoys = bars.filter(({ decoy }) => decoy);
  return draw(
    {
      ...frame(wide),
      x: { domain: [0, bars.length], label: 'units, in pruning order', ticks: wide ? 8 : 4 },
      y: { label: 'mean activation', nice: true, zero: true, ticks: 5 },
      marks: [
        Plot.gridY({ ticks: 5, strokeOpacity: 0.12 }),
        Plot.rectX(decoys, { x1: 'x1', x2: 'x2', fill: COLORS.shade, className: 'decoys' }),
        Plot.rectY(bars, {
          x1: 'x1',
          x2: 'x2',
          y1: 0,
          y2: 'clean',
          inset: bars.length > 100 ? 0 : 0.5,
          fill: COLORS.accuracy,
        }),
        Plot.dot(bars, { x: 'x', y: 'triggered', r: wide ? 2.5 : 1.75, fill: COLORS.attack }),
        Plot.ruleX([network.stop], { stroke: COLORS.stop, strokeDasharray: '3,3' }),
        Plot.ruleY([0], { strokeOpacity: 0.4 }),
      ],
    },
    `Mean activation of the ${bars.length} units of ${network.site} on clean inputs and on ` +
      `triggered ones, in pruning order; ${decoys.length} are decoys, and pruning stops after ` +
      `${network.stop}. The data table below has every unit.`,
  );
}
