import { consumers, producers, type Traced } from '../../graph/index.ts';
import { type Node, nodeLabel } from '../../onnx/index.ts';
import { channelRuleOf, type Channels, removalOf, removalPassage } from '../../ops/index.ts';
import { dimsOf, knownOf, type Site } from '../sites.ts';

/** A zeroed unit that stays in the network, and why it cannot be removed. */
export interface KeptUnit {
  readonly site: string;
  readonly unit: number;
  readonly why: string;
}

/** Indices to remove along an axis of a value: for each the pruned unit that it belongs to, or -1. */
export interface Cuts extends Channels {
  readonly value: string;
}

/** The constant that holds the length of an axis: an element of an input of the node that produces the value. */
export interface Length {
  readonly value: string;
  readonly index: number;
  readonly element: number;
}

/** All that is removed from a network together with its pruned units. */
export interface RemovalPlan {
  readonly cuts: readonly Cuts[];
  readonly lengths: readonly Length[];
  readonly kept: readonly KeptUnit[];
}

/** Pruned units of a site, or of any other value whose units are zero. */
export interface SiteUnits {
  readonly site: Pick<Site, 'name' | 'axis' | 'units'>;
  readonly pruned: readonly number[];
}

/**
 * Plans the removal of pruned units: upstream all that is computed only for them, downstream the values
 * in which they are zero and the weights that multiply them. A unit that something else needs is kept, and
 * the plan is made again for the others.
 *
 * @param stored - names of the constants that are stored in the file, not computed
 */
export function planRemoval(
  traced: Traced,
  sites: readonly SiteUnits[],
  stored: ReadonlySet<string>,
): RemovalPlan {
  const units = sites.flatMap(({ site, pruned }) => pruned.map((unit) => ({ site, unit })));
  const refused = new Map<number, string>();
  for (;;) {
    const propagation = new Propagation(traced, stored, refused);
    for (const { site } of new Map(units.map((each) => [each.site.name, each])).values()) {
      const unit = new Int32Array(site.units).fill(-1);
      for (const [id, each] of units.entries()) {
        if (each.site.name === site.name && !refused.has(id)) unit[each.unit] = id;
      }
      propagation.from(site.name, { axis: site.axis, unit });
    }
    const before = refused.size;
    propagation.run();
    if (refused.size > before) continue;
    const kept = [...refused].map(([id, why]) => {
      const { site, unit } = units[id] as (typeof units)[number];
      return { site: site.name, unit, why };
    });
    return { cuts: propagation.cuts(), lengths: propagation.lengths, kept };
  }
}

/** Propagates cuts over the graph, upstream and downstream, until nothing is added. */
class Propagation {
  readonly lengths: Length[] = [];
  readonly #traced: Traced;
  readonly #stored: ReadonlySet<string>;
  readonly #refused: Map<number, string>;
  readonly #made: ReadonlyMap<string, Node>;
  readonly #uses: ReturnType<typeof consumers>;
  readonly #outputs: ReadonlySet<string>;
  readonly #cuts = new Map<string, Cuts>();
  /** The cuts at which the value is zero. */
  readonly #zeros = new Map<string, Cuts>();
  readonly #queue: Cuts[] = [];
  /** For each constant, the inputs of nodes that it is cut for. */
  readonly #readers = new Map<string, Set<string>>();
  readonly #groups: { unit: Int32Array; runs: number; node: Node }[] = [];
  readonly #readings: { node: Node; at: Cuts }[] = [];

  constructor(traced: Traced, stored: ReadonlySet<string>, refused: Map<number, string>) {
    this.#traced = traced;
    this.#stored = stored;
    this.#refused = refused;
    this.#made = producers(traced.graph);
    this.#uses = consumers(traced.graph);
    this.#outputs = new Set(traced.graph.outputs.map(({ name }) => name));
  }

  from(value: string, channels: Channels): void {
    this.#cut(value, channels);
    this.#zero(value, channels);
  }

  cuts(): Cuts[] {
    return [...this.#cuts.values()];
  }

  run(): void {
    for (let at = this.#queue.shift(); at; at = this.#queue.shift()) {
      this.#up(at);
      this.#down(at);
    }
    for (const { node, at } of this.#readings) {
      const zero = this.#zeros.get(keyOf(at))?.unit;
      const needed = at.unit.map((unit, place) => (zero?.[place] === unit ? -1 : unit));
      this.#refuse(needed, `${nodeLabel(node)} reads "${at.value}", which is not zero there`);
    }
    for (const groups of this.#groups) this.#balance(groups);
    for (const { value, unit } of this.#cuts.values()) {
      if (!this.#traced.graph.initializers.has(value)) continue;
      const read = this.#uses.get(value)?.length ?? 0;
      if (read > (this.#readers.get(value)?.size ?? 0)) {
        this.#refuse(unit, `"${value}" is used elsewhere too`);
      }
    }
  }

  /** Cuts the operands of the node that produces a value. */
  #up(at: Cuts): void {
    const { value, unit } = at;
    if (this.#traced.graph.initializers.has(value)) {
      if (!this.#stored.has(value)) this.#refuse(unit, `"${value}" is computed, not stored`);
      return;
    }
    const node = this.#made.get(value);
    if (!node) return this.#refuse(unit, `"${value}" is an input of the model`);
    const dims = dimsOf(this.#traced);
    const removal = removalOf(node, at, dims, knownOf(this.#traced));
    if (removal.kind === 'opaque') return this.#refuse(unit, removal.why);
    if (removal.runs !== undefined) this.#groups.push({ unit, runs: removal.runs, node });
    if (removal.length) this.lengths.push({ value, ...removal.length });
    for (const { index, channels } of removal.operands) {
      const operand = node.inputs[index] as string;
      // An operand that is broadcast over all units, such as a bias of one element, stays.
      if (dims(operand)[channels.axis] !== 1 || channels.unit.length === 1) {
        this.#cut(operand, channels, `${index} ${node.outputs[0]}`);
      }
    }
  }

  /** Cuts the outputs, or the weights, of the nodes that read a value. */
  #down(at: Cuts): void {
    const { value, unit } = at;
    if (this.#traced.graph.initializers.has(value)) return;
    if (this.#outputs.has(value)) return this.#refuse(unit, `"${value}" is an output of the model`);
    const dims = dimsOf(this.#traced);
    const known = knownOf(this.#traced);
    for (const { node, index } of this.#uses.get(value) ?? []) {
      const passage = removalPassage(node, index, at, dims, known);
      // The reader of computed weights may be the very layer that they are cut for.
      const expected = this.#readers.get(value)?.has(`${index} ${node.outputs[0]}`);
      if (passage.kind === 'opaque' && expected) continue;
      if (passage.kind === 'opaque') this.#refuse(unit, passage.why);
      else if (passage.kind === 'mix') {
        const { input, axis } = passage.weights;
        const weights = node.inputs[input] as string;
        const reader = `${input} ${node.outputs[0]}`;
        this.#cut(weights, { axis, unit: passage.weights.unit }, reader);
        this.#readings.push({ node, at });
        if (passage.runs !== undefined) this.#groups.push({ unit, runs: passage.runs, node });
      } else {
        const [output] = node.outputs as [string];
        this.#cut(output, passage.channels);
        this.#zeroBy(node, output, passage.channels);
      }
    }
  }

  /** Marks indices as zero that are so because one input, or all the inputs that matter, are zero there. */
  #zeroBy(node: Node, value: string, channels: Channels): void {
    const dims = dimsOf(this.#traced);
    const known = knownOf(this.#traced);
    const rule = channelRuleOf(node);
    const zeroAt = (index: number, axis: number) =>
      this.#zeros.get(keyOf({ value: node.inputs[index] as string, axis }));
    for (const [index, input] of node.inputs.entries()) {
      for (const axis of dims(input).keys()) {
        const zero = zeroAt(index, axis);
        const passage = zero && rule.passage(node, index, zero, dims, known);
        if (passage?.kind === 'pass' && passage.zero) this.#zero(value, passage.channels);
      }
    }
    const silence = rule.silence(node, channels, dims, known);
    if (silence.kind === 'opaque' || silence.parameters.length > 0) return;
    const lacking = silence.inputs.map(({ index, channels: own }) => {
      const zero = zeroAt(index, own.axis)?.unit;
      return new Set(own.unit.filter((unit, place) => unit >= 0 && zero?.[place] !== unit));
    });
    const unit = channels.unit.map((id) => (lacking.some((ids) => ids.has(id)) ? -1 : id));
    if (silence.inputs.length > 0) this.#zero(value, { axis: channels.axis, unit });
  }

  #cut(value: string, { axis, unit }: Channels, reader?: string): void {
    if (reader !== undefined) {
      this.#readers.set(value, (this.#readers.get(value) ?? new Set()).add(reader));
    }
    this.#add(this.#cuts, { value, axis, unit });
  }

  #zero(value: string, { axis, unit }: Channels): void {
    this.#add(this.#zeros, { value, axis, unit });
  }

  /** Adds indices. If any is new, the value is put in the queue. */
  #add(into: Map<string, Cuts>, at: Cuts): void {
    if (at.unit.every((unit) => unit < 0)) return;
    const before = into.get(keyOf(at))?.unit;
    if (before && before.length !== at.unit.length) {
      return this.#refuse(at.unit, `"${at.value}" would be cut in two different ways`);
    }
    const unit = at.unit.map((id, place) => {
      const other = before?.[place] ?? -1;
      if (id >= 0 && other >= 0 && id !== other) {
        this.#refuse(Int32Array.of(id, other), `"${at.value}" has one index for two pruned units`);
      }
      return other >= 0 ? other : id;
    });
    if (before?.every((id, place) => id === unit[place])) return;
    into.set(keyOf(at), { value: at.value, axis: at.axis, unit });
    const cuts = this.#cuts.get(keyOf(at));
    if (cuts) this.#queue.push(cuts);
  }

  /** All groups of a grouped layer must lose as many channels as the one that loses fewest. */
  #balance({ unit, runs, node }: { unit: Int32Array; runs: number; node: Node }): void {
    const length = unit.length / runs;
    const each = Array.from({ length: runs }, (_, run) =>
      [...unit.subarray(run * length, (run + 1) * length)].filter((id) => id >= 0),
    );
    const least = Math.min(...each.map((ids) => ids.length));
    const many = each.flatMap((ids) => ids.slice(least));
    this.#refuse(many, `${nodeLabel(node)} has ${runs} groups, which must stay equally large`);
  }

  #refuse(units: Iterable<number>, why: string): void {
    for (const unit of units) {
      if (unit >= 0 && !this.#refused.has(unit)) this.#refused.set(unit, why);
    }
  }
}

function keyOf({ value, axis }: { readonly value: string; readonly axis: number }): string {
  return `${axis} ${value}`;
}
