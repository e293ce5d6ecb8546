import type { Dataset } from '../../data/index.ts';
import type { Rate, Target } from '../../metrics/index.ts';
import type { Network } from '../../network/index.ts';
import type { InvertedTrigger } from './families/family.ts';
import { inputLogic, type InputLogic } from './input-logic.ts';
import type { FamilyResult } from './rounds.ts';
import type { Predictor, Samples, ScanSamples } from './samples.ts';
import type { SampleLayout } from './families/sample-layout.ts';
import { type SlotSearch, wanted } from './search.ts';
import type { ScanSettings } from './settings.ts';

export type ScanVerdict = 'nothing found' | 'suspicious' | 'backdoored';

/** A target for which a suspiciously small trigger was found. */
export interface Suspect {
  readonly target: Target;
  /** The target class and its name; null and 'all-to-all' where each class is taken for the next one. */
  readonly class: number | null;
  readonly name: string;
  /** The family of perturbations in which it stands out most. */
  readonly family: string;
  readonly size: number;
  /** The median of the classes. */
  readonly typical: number;
  /** Size over success, divided by `typical`. */
  readonly ratio: number;
  /** How many robust deviations it lies below the median. */
  readonly deviations: number;
  /** Surrogate attack success rate, on clean samples that the search did not use. */
  readonly surrogate: Rate;
  readonly trigger: InvertedTrigger;
  /** A few clean samples without and with it. */
  readonly examples: readonly TriggeredExample[];
}

/** A clean sample without and with an inverted trigger, dims of a sample, and what the network says. */
export interface TriggeredExample {
  readonly clean: Float32Array;
  readonly triggered: Float32Array;
  /** Names of classes. */
  readonly before: string;
  readonly after: string;
}

/** What a search found for one target. */
export interface ScannedClass {
  /** Null for all-to-all. */
  readonly class: number | null;
  readonly name: string;
  readonly size: number;
  /** Whether the trigger that was found succeeds often enough to have a size. */
  readonly reachable: boolean;
  readonly ratio: number;
  readonly deviations: number;
  readonly surrogate: Rate;
}

export interface ScannedFamily {
  readonly family: string;
  /** What the size is. */
  readonly unit: string;
  readonly typical: number;
  /** The classes of the last round, by ratio, the most suspect first. */
  readonly classes: readonly ScannedClass[];
}

/** What a scan found. */
export interface Scan {
  readonly verdict: ScanVerdict;
  /** The most suspect first. */
  readonly suspects: readonly Suspect[];
  readonly families: readonly ScannedFamily[];
  /** How samples lie in memory, and the range of their values: to draw the triggers. */
  readonly layout: SampleLayout;
  /** Decisions about the input that switch the scores; no repair of weights removes them. */
  readonly inputLogic: readonly InputLogic[];
  /** What the scan did not look at, for people to read. */
  readonly notLookedAt: readonly string[];
  /** The samples that were searched on, and those that judged. */
  readonly samples: { readonly search: number; readonly judge: number };
  readonly settings: ScanSettings;
  readonly seconds: number;
}

/**
 * Ratios below which a class is suspect. Networks of other people and of our own, patch and addition,
 * the better of both: 0.02 to 0.39 with a backdoor, 0.45 and more without.
 */
export const SUSPICIOUS_RATIO = 0.42;
export const BACKDOORED_RATIO = 0.3;

/** Samples that are shown for a suspect. */
const EXAMPLES = 4;

/** What was looked at. */
interface Looked {
  readonly network: Network;
  readonly data: Dataset;
  readonly classes: readonly number[];
  readonly samples: ScanSamples;
  readonly layout: SampleLayout;
  readonly settings: ScanSettings;
  readonly seconds: number;
}

/** What the searches found, as a scan. */
export async function scanOf(
  found: readonly FamilyResult[],
  looked: Looked,
  predictor: Predictor,
): Promise<Scan> {
  const { network, data, classes, samples, settings, seconds } = looked;
  const nameOf = (label: number) => data.classes[label] ?? String(label);
  const families = found.map(({ search: { family, targets }, scores }): ScannedFamily => ({
    family: family.name,
    unit: family.unit,
    typical: scores.typical,
    classes: scores.slots
      .map(({ success, ...score }, slot) => ({
        ...named(targets[slot] as Target, nameOf),
        surrogate: success,
        ...score,
      }))
      .toSorted((a, b) => a.ratio - b.ratio),
  }));
  const logic = inputLogic(network.graph, [network.scores]);
  const suspects = await suspectsOf(found, nameOf, samples.judge, predictor);
  const least = Math.min(1, ...suspects.map(({ ratio }) => ratio));
  return {
    verdict:
      least <= BACKDOORED_RATIO
        ? 'backdoored'
        : least <= SUSPICIOUS_RATIO || logic.length > 0
          ? 'suspicious'
          : 'nothing found',
    suspects,
    families,
    layout: looked.layout,
    inputLogic: logic,
    notLookedAt: notLookedAt(data, classes, nameOf),
    samples: { search: samples.search.called.length, judge: samples.judge.called.length },
    settings,
    seconds,
  };
}

/** Classes with a small ratio in one of the families, each in the one where it stands out most. */
async function suspectsOf(
  found: readonly FamilyResult[],
  nameOf: (label: number) => string,
  judge: Samples,
  predictor: Predictor,
): Promise<Suspect[]> {
  const all = found.flatMap((result) =>
    result.scores.slots
      .map((score, slot) => {
        const target = result.search.targets[slot] as Target;
        return { ...result, score, slot, target, ...named(target, nameOf) };
      })
      .filter(({ score }) => score.reachable && score.ratio <= SUSPICIOUS_RATIO),
  );
  const ranked = all.toSorted((a, b) => a.score.ratio - b.score.ratio);
  const names = ranked.map(({ name }) => name);
  const suspects: Suspect[] = [];
  for (const [at, { search, scores, score, slot, target, ...who }] of ranked.entries()) {
    if (names.indexOf(who.name) < at) continue;
    const { family, layout, variables } = search;
    suspects.push({
      target,
      class: who.class,
      name: who.name,
      family: family.name,
      size: score.size,
      typical: scores.typical,
      ratio: score.ratio,
      deviations: score.deviations,
      surrogate: score.success,
      trigger: family.inverted(layout, variables, slot),
      examples: await examplesOf(search, slot, target, judge, predictor, nameOf),
    });
  }
  return suspects;
}

/** A target's class and name. */
function named(target: Target, nameOf: (label: number) => string) {
  return target.kind === 'all-to-one'
    ? { class: target.label, name: nameOf(target.label) }
    : { class: null, name: target.kind };
}

/** Samples of different classes without and with the perturbation of a slot. */
async function examplesOf(
  { family, layout, variables }: SlotSearch,
  slot: number,
  target: Target,
  { x, called }: Samples,
  predictor: Predictor,
  nameOf: (label: number) => string,
): Promise<TriggeredExample[]> {
  const { elements } = layout;
  const shown = [...called.keys()]
    .filter((at) => {
      const label = called[at] as number;
      return wanted(target, label) !== label && called.indexOf(label) === at;
    })
    .slice(0, EXAMPLES);
  if (shown.length === 0) return [];
  const clean = shown.map((at) => x.slice(at * elements, (at + 1) * elements));
  const triggered = clean.map((sample) => {
    const copy = sample.slice();
    family.apply(layout, variables, copy, Int32Array.of(slot));
    return copy;
  });
  const batch = new Float32Array(shown.length * elements);
  for (const [row, sample] of triggered.entries()) batch.set(sample, row * elements);
  const after = await predictor.predict(batch);
  return shown.map((at, row) => ({
    clean: clean[row] as Float32Array,
    triggered: triggered[row] as Float32Array,
    before: nameOf(called[at] as number),
    after: nameOf(after[row] as number),
  }));
}

/** Classes that were left out, and the triggers that the families do not express. */
function notLookedAt(
  data: Dataset,
  classes: readonly number[],
  nameOf: (label: number) => string,
): string[] {
  const left = [...data.classes.keys()].filter((label) => !classes.includes(label));
  return [
    ...(left.length === 0
      ? []
      : [
          `${left.length} of ${data.classes.length} classes${left.length <= 5 ? ` (${left.map(nameOf).join(', ')})` : ''}`,
        ]),
    'triggers that differ from sample to sample or warp a picture, and targets that depend on the class otherwise than to the next one',
  ];
}
