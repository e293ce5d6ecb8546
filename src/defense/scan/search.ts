import type { Random } from '../../data/index.ts';
import { rate, type Rate, type Target, targetOf } from '../../metrics/index.ts';
import type { InputGradient } from '../../train/index.ts';
import { Adam, takeRows } from './adam.ts';
import type { TriggerFamily, Variables } from './families/family.ts';
import type { SampleLayout } from './families/sample-layout.ts';
import type { Predictor, Samples } from './samples.ts';

/** What a slot's perturbation is to make the network say of a sample that it calls `called`. */
export function wanted(target: Target, called: number): number {
  return targetOf(target, called) ?? called;
}

/** Share of a slot's samples that count as success while searching (Neural Cleanse takes 0.99). */
const GOAL = 0.9;
/** The size's weight: at first, its bounds, and what it is multiplied by on success and on failure. */
const WEIGHT = { first: 1e-3, least: 1e-5, most: 1, grow: 1.06, shrink: 0.97 };
/** Decay of the running mean of a slot's success. */
const MEMORY = 0.9;
/** Most samples that a slot is judged by. */
const JUDGED = 300;

/** A search for the smallest perturbations of several targets at once, one slot each. */
export interface SlotSearch {
  readonly family: TriggerFamily;
  readonly layout: SampleLayout;
  readonly targets: readonly Target[];
  /** Moved in place. */
  readonly variables: Variables;
  readonly moves: readonly Adam[];
  /** Weight of the size in the loss of each slot. */
  readonly weights: Float64Array;
  /** Running mean of success of each slot, 0 to 1. */
  readonly success: Float64Array;
}

export function startSearch(
  family: TriggerFamily,
  layout: SampleLayout,
  targets: readonly Target[],
  draw: Random,
): SlotSearch {
  const variables = family.start(layout, targets.length, draw);
  return {
    family,
    layout,
    targets,
    variables,
    moves: variables.map(({ length }, index) => new Adam(length, family.rates[index] as number)),
    weights: new Float64Array(targets.length).fill(WEIGHT.first),
    success: new Float64Array(targets.length),
  };
}

/** The search of some of the slots alone. */
export function keepSlots(search: SlotSearch, slots: readonly number[]): SlotSearch {
  const { targets, variables, moves, weights, success } = search;
  const count = targets.length;
  return {
    ...search,
    targets: slots.map((slot) => targets[slot] as Target),
    variables: variables.map((values) => takeRows(values, slots, values.length / count)),
    moves: moves.map((adam) => adam.rows(slots, count)),
    weights: takeRows(weights, slots, 1),
    success: takeRows(success, slots, 1),
  };
}

/** The size of each slot's perturbation. */
export function sizesOf({ family, layout, variables, targets }: SlotSearch): number[] {
  return targets.map((_, slot) => family.size(layout, variables, slot));
}

/**
 * One step: deals the samples of a batch out to slots at random, runs them with the perturbations of
 * their slots, and moves each perturbation against cross-entropy with its target plus its weighted size.
 * The weight of a slot's size grows while the slot succeeds and shrinks while it fails (as in Neural
 * Cleanse, Wang et al., S&P 2019, section IV-B, for each slot by itself).
 */
export async function searchStep(
  search: SlotSearch,
  gradient: InputGradient,
  samples: Samples,
  draw: Random,
): Promise<void> {
  const { family, layout, targets, variables, moves, weights, success } = search;
  const { batchSize } = gradient;
  const each = layout.elements;
  const x = new Float32Array(batchSize * each);
  const slots = new Int32Array(batchSize);
  const labels = new Int32Array(batchSize);
  const of = new Float64Array(targets.length);
  for (let at = 0; at < batchSize; at += 1) {
    const sample = draw.integer(samples.called.length);
    x.set(samples.x.subarray(sample * each, (sample + 1) * each), at * each);
    const slot = draw.integer(targets.length);
    slots[at] = slot;
    labels[at] = wanted(targets[slot] as Target, samples.called[sample] as number);
    of[slot] = (of[slot] as number) + 1;
  }
  const perturbed = x.slice();
  family.apply(layout, variables, perturbed, slots);
  const result = await gradient.run(perturbed, labels);
  const gradients = family.gradients(layout, variables, x, slots, result.gradient);
  for (const [slot, count] of of.entries()) {
    const weight = family.sizeWeight * (weights[slot] as number) * count;
    family.addSizeGradient(layout, variables, slot, weight, gradients);
  }
  for (const [index, adam] of moves.entries()) {
    adam.step(variables[index] as Float64Array, gradients[index] as Float64Array);
  }
  const hits = new Float64Array(targets.length);
  for (const [at, slot] of slots.entries()) {
    if (result.called[at] === labels[at]) hits[slot] = (hits[slot] as number) + 1;
  }
  for (let slot = 0; slot < targets.length; slot += 1) {
    if (of[slot] === 0) continue;
    const now = (hits[slot] as number) / (of[slot] as number);
    const mean = MEMORY * (success[slot] as number) + (1 - MEMORY) * now;
    const factor = mean > GOAL ? WEIGHT.grow : WEIGHT.shrink;
    success[slot] = mean;
    weights[slot] = Math.min(
      Math.max((weights[slot] as number) * factor, WEIGHT.least),
      WEIGHT.most,
    );
  }
}

/**
 * How often a slot's perturbation succeeds on samples that the search did not use, of those that the
 * network does not call the target already: the surrogate attack success rate.
 */
export async function judgeSlot(
  { family, layout, variables, targets }: SlotSearch,
  slot: number,
  samples: Samples,
  predictor: Predictor,
): Promise<Rate> {
  const target = targets[slot] as Target;
  const { elements } = layout;
  const used = [...samples.called.keys()]
    .filter((at) => wanted(target, samples.called[at] as number) !== samples.called[at])
    .slice(0, JUDGED);
  if (used.length === 0) return rate(0, 0);
  const x = new Float32Array(used.length * elements);
  for (const [to, at] of used.entries()) {
    x.set(samples.x.subarray(at * elements, (at + 1) * elements), to * elements);
  }
  family.apply(layout, variables, x, new Int32Array(used.length).fill(slot));
  const called = await predictor.predict(x);
  const hits = used.filter((at, to) => called[to] === wanted(target, samples.called[at] as number));
  return rate(hits.length, used.length);
}
