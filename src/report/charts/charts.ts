import { twice, type Chart } from './chart-parts.ts';
import { curveChart } from './curve-chart.ts';
import type { Markup } from '../page/markup.ts';
import { prunedUnits, type RunRecord } from '../run/record.ts';
import { loadPlot } from './svg.ts';
import { trainingChart } from './training-chart.ts';
import { unitChart, type UnitChart } from './unit-chart.ts';

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

/** The charts of a record; the same record gives the same bytes. */
export async function drawCharts(record: RunRecord): Promise<Charts> {
  const { Plot, draw } = await loadPlot();
  const epochs = record.training?.some((phase) => phase.epochs.length > 0);
  return {
    curve:
      record.curve.length > 0 ? twice((wide) => curveChart(Plot, draw, record, wide)) : undefined,
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

function activationsOf(record: RunRecord): UnitChart {
  const { clean, triggered } = record.profile;
  return {
    bars: clean,
    dots: triggered,
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
