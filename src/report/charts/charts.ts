import type { PrunedSite } from '../../defense/index.ts';
import type { Markup } from '../page/markup.ts';
import { prunedUnitsOf } from '../run/steps.ts';
import { type Chart, drawBoth } from './chart-parts.ts';
import { curveChart } from './curve-chart.ts';
import { loadPlot } from './svg.ts';
import { type NamedRun, trainingChart } from './training-chart.ts';
import { type UnitChart, unitChart } from './unit-chart.ts';

export interface SiteCharts {
  /** Accuracy and attack success against the share of units pruned. */
  readonly curve: Chart | undefined;
  /** Mean activation of every unit, sorted by clean activation. */
  readonly activations: Chart;
  /** Mean gradient of the weights of every unit, in the same order. */
  readonly gradient: Chart | undefined;
}

/** Loss and validation accuracy against epochs. They are small: one width fits every page. */
export interface TrainingCharts {
  readonly loss: Markup;
  readonly accuracy: Markup;
}

/** Draws the charts of a pruned site. The same numbers give the same bytes. */
export async function drawSite(
  site: PrunedSite,
  gradient: readonly number[] | undefined,
): Promise<SiteCharts> {
  const { Plot, draw } = await loadPlot();
  return {
    curve:
      site.curve.length > 0 ? drawBoth((wide) => curveChart(Plot, draw, site, wide)) : undefined,
    activations: drawBoth((wide) => unitChart(Plot, draw, site, activationsOf(site), wide)),
    gradient:
      gradient && drawBoth((wide) => unitChart(Plot, draw, site, gradientOf(gradient), wide)),
  };
}

/** Draws the charts of fine-tuning runs; undefined if none has an epoch. */
export async function drawTraining(runs: readonly NamedRun[]): Promise<TrainingCharts | undefined> {
  if (!runs.some(({ epochs }) => epochs.length > 0)) return undefined;
  const { Plot, draw } = await loadPlot();
  return {
    loss: trainingChart(Plot, draw, runs, 'loss'),
    accuracy: trainingChart(Plot, draw, runs, 'accuracy'),
  };
}

function activationsOf(site: PrunedSite): UnitChart {
  const { clean, triggered } = site.profile;
  return {
    bars: clean,
    dots: triggered,
    label: 'mean activation',
    text:
      `Mean activation of the ${clean.length} units on clean inputs` +
      `${triggered === undefined ? '' : ' and on triggered inputs'}, sorted by clean activation; ` +
      `${prunedUnitsOf(site).size} are pruned. The data table below has every unit.`,
  };
}

function gradientOf(gradient: readonly number[]): UnitChart {
  const none = gradient.filter((size) => size === 0).length;
  return {
    bars: gradient,
    label: 'mean |gradient|',
    text:
      `Mean size of the gradient of the weights of the ${gradient.length} units, sorted by ` +
      `clean activation: ${none} have none. The data table below has every unit.`,
  };
}
