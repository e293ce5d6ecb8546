import { scoreDrop, standardError, type CleanScore } from '../../../metrics/index.ts';
import type { TrainingState, Checkpoint } from '../../../train/index.ts';
import type { FoundRate } from './rate.ts';

/** When a fine-tuning ends, and when it was in vain. */
export interface Limits {
  /** Passes over the data at most. */
  readonly epochs: number;
  /** Stop after so many epochs without a higher holdout accuracy; default: never. */
  readonly patience?: number | undefined;
  /**
   * Which epoch is kept: the one that holdout data choose, see `isKept`, or the last, whatever they say of
   * it. Of some hundred holdout samples the highest of many epochs is luck, which the last cannot reach.
   */
  readonly keep?: 'chosen' | 'last' | undefined;
  /** How far holdout accuracy may end below what it was; default: as far as it likes. */
  readonly floor?: { readonly from: CleanScore; readonly maxDrop: number } | undefined;
}

export interface TunedEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly rate: number;
  /** Accuracy on the part of the validation data that is not trained on. */
  readonly holdout: CleanScore;
}

/** A time that training was taken back to weights that were good. */
export interface Retry {
  /** The epoch in which it went wrong. */
  readonly epoch: number;
  /** Highest rate of the schedule then; the next try has half of it, or a quarter. */
  readonly rate: number;
  /** 'loss': it blew up. 'accuracy': holdout accuracy ended below the floor. */
  readonly because: 'loss' | 'accuracy';
  /** Smoothed loss when it was noticed; null where it was no number. */
  readonly loss: number | null;
}

/** What a fine-tuning came to, but for the weights. */
export interface Tuned {
  readonly epochs: readonly TunedEpoch[];
  /** The epoch whose weights were kept, see `isKept`; 0 for the weights given. */
  readonly chosen: number;
  /** Loss on data trained on, and accuracy on holdout data, before the first step. */
  readonly start: { readonly loss: number; readonly holdout: CleanScore };
  /** The rate that the schedule began with, before any retry. */
  readonly rate: number;
  /** Where it was not given. */
  readonly found?: FoundRate | undefined;
  readonly retries: readonly Retry[];
}

/** Accuracy on holdout data of the weights that were kept. */
export function heldOf({ chosen, epochs, start }: Tuned): CleanScore {
  return epochs[chosen - 1]?.holdout ?? start.holdout;
}

/** All that the rest of a fine-tuning depends on, after an epoch or a retry. */
export interface TuningState extends Tuned {
  /** What retries have multiplied the rate by. */
  readonly factor: number;
  /** Weights of the epoch chosen. */
  readonly kept: ReadonlyMap<string, Float32Array>;
  /** What to train on from where the trainer is not there yet: after a retry, or a run that was killed. */
  readonly training: TrainingState;
}

/** Retries before the weights given are kept: the last is at a rate 256 or 65,536 times lower. */
const RETRIES = 8;
/** How much lower: a rate that was found is not far off, one that was given may be by orders. */
const LOWER = { found: 1 / 2, given: 1 / 4 };

/** Back to some weights, and on at a lower rate; undefined where that was tried often enough. */
export function again(
  state: TuningState,
  because: Retry['because'],
  loss: number,
  weights: TuningState['kept'],
): TuningState | undefined {
  if (state.retries.length >= RETRIES) return undefined;
  const back = because === 'accuracy' ? { epochs: [], chosen: 0, kept: weights } : {};
  const retry: Retry = {
    epoch: because === 'loss' ? state.epochs.length + 1 : state.epochs.length,
    rate: state.rate * state.factor,
    because,
    loss: Number.isFinite(loss) ? loss : null,
  };
  return {
    ...state,
    ...back,
    retries: [...state.retries, retry],
    factor: state.factor * (state.found ? LOWER.found : LOWER.given),
    // Without the moments, which lead to where it went wrong: what is missing starts from zero.
    training: { steps: 0, values: picked(weights, state.kept) },
  };
}

export function isOver({ epochs }: TuningState, settings: Limits): boolean {
  const { patience = Infinity } = settings;
  const without = epochs.length - (highestOf(epochs)?.epoch ?? 0);
  return epochs.length >= settings.epochs || without >= patience;
}

/**
 * Whether a new epoch is kept in place of what was: its holdout accuracy is no further below the highest
 * so far than one standard error, and not below the floor either; or it is the highest itself.
 *
 * That is the one-standard-error rule (Breiman et al. 1984, section 3.4.3), with the latest epoch for
 * the simplest tree. Of some hundred holdout samples the highest of many epochs is mostly luck, and what
 * is left of a backdoor, which holdout samples cannot show, gets less with every epoch.
 */
export function isKept(
  holdout: CleanScore,
  { epochs }: TuningState,
  { floor, keep }: Limits,
): boolean {
  if (keep === 'last') return true;
  const highest = highestOf(epochs)?.holdout;
  const short = highest ? scoreDrop(highest, holdout) : 0;
  if (!highest || short <= 0) return true;
  return short <= errorBetween(highest, holdout) && !isBelow(holdout, floor);
}

/** Below the floor, where the weights given were not. */
export function isWorse(state: TuningState, { floor, keep }: Limits): boolean {
  if (keep === 'last' || !floor || isBelow(state.start.holdout, floor)) return false;
  return state.chosen === 0 || isBelow(heldOf(state), floor);
}

/**
 * How far an epoch may be below the highest: one standard error of that. Of few scenes the mean average
 * precision of each epoch is as uncertain, and the highest is lucky by as much: there it is the error of
 * a difference.
 */
function errorBetween(highest: CleanScore, holdout: CleanScore): number {
  return Math.hypot(standardError(highest) ?? 0, holdout.mapError ?? 0);
}

/** A mean average precision of few scenes moves by points of itself: it is below when it is so beyond that. */
function isBelow(holdout: CleanScore, floor: Limits['floor']): boolean {
  return (
    floor !== undefined && scoreDrop(floor.from, holdout) - (holdout.mapError ?? 0) > floor.maxDrop
  );
}

/** The epoch with the highest holdout accuracy, the last of equals. */
function highestOf(epochs: readonly TunedEpoch[]): TunedEpoch | undefined {
  return epochs.reduce<TunedEpoch | undefined>(
    (top, epoch) => (top && scoreDrop(top.holdout, epoch.holdout) > 0 ? top : epoch),
    undefined,
  );
}

/** The loss is far above where it began, or no number. */
export class BlownUp extends Error {}

/** Watches the loss from batch to batch. */
export class Watch {
  /** Smoothed, so that one odd batch is nothing. */
  loss: number;
  readonly #bound: number;

  constructor(start: number, classes: number) {
    this.loss = start;
    // As much again as it was; from next to nothing, half of what guessing among the classes costs.
    this.#bound = start + Math.max(start, Math.log(classes) / 2);
  }

  see(loss: number): void {
    this.loss += 0.2 * (loss - this.loss);
    if (!(this.loss <= this.#bound)) throw new BlownUp();
  }
}

function picked(values: TuningState['kept'], names: TuningState['kept']): TuningState['kept'] {
  return new Map([...values].filter(([name]) => names.has(name)));
}

/** A state in a form to be kept. */
export function toSaved(state: TuningState): Checkpoint {
  const { kept, training, found, ...data } = state;
  const named = (prefix: string, values: TuningState['kept']) =>
    [...values].map(([name, array]) => [`${prefix}/${name}`, array] as const);
  return {
    data: {
      ...data,
      steps: training.steps,
      ...(found && { found: { ...found, scales: [...found.scales] } }),
    },
    arrays: new Map([...named('kept', kept), ...named('training', training.values)]),
  };
}

/** The state that was kept, to the bit. */
export function fromSaved({ data, arrays = new Map() }: Checkpoint): TuningState {
  const { steps, found, ...rest } = data as Omit<TuningState, 'kept' | 'training' | 'found'> & {
    readonly steps: number;
    readonly found?:
      | (Omit<FoundRate, 'scales'> & { readonly scales: [string, number][] })
      | undefined;
  };
  const named = (prefix: string) =>
    new Map(
      [...arrays].flatMap(([name, array]) =>
        name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), array] as const] : [],
      ),
    );
  return {
    ...rest,
    kept: named('kept'),
    training: { steps, values: named('training') },
    ...(found && { found: { ...found, scales: new Map(found.scales) } }),
  };
}
