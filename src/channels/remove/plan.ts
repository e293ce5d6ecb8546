import { consumers, producers, type Traced } from '../../graph/index.ts';
import { type Node, nodeLabel } from '../../onnx/index.ts';
import { channelRuleOf, type Channels, removalOf, removalPassage } from '../../ops/index.ts';
import { dimsOf, knownOf, type Site } from '../sites.ts';

/** A unit that stays in the network, zeroed, and what is in the way of removing it. */
export interface KeptUnit {
  readonly site: string;
  readonly unit: number;
  readonly why: string;
}

/** Places to remove along an axis of a value, each with the pruned unit that it belongs to; else -1. */
export interface Places extends Channels {
  readonly value: string;
}

/** Where it is said how long an axis of a value is: an element of an input of the node that produces it. */
export interface Length {
  readonly value: string;
  readonly index: number;
  readonly element: number;
}

/** What can be removed from a network with pruned units. */
export interface RemovablePlaces {
  readonly places: readonly Places[];
  readonly lengths: readonly Length[];
  readonly kept: readonly KeptUnit[];
}

/** Pruned units of a site, or of any other value whose units are zero. */
export interface SiteUnits {
  readonly site: Pick<Site, 'name' | 'axis' | 'units'>;
  readonly pruned: readonly number[];
}

/**
 * Finds what goes with pruned units when they are removed: upstream, what is made for them alone;
 * downstream, what they are zero in, and the weights that meet them. A unit that anything else needs
 * stays; the others are then looked at again without it.
 *
 * @param stored - constants that the file holds, and does not compute
 */
export function removablePlaces(
  traced: Traced,
  sites: readonly SiteUnits[],
  stored: ReadonlySet<string>,
): RemovablePlaces {
  const units = sites.flatMap(({ site, pruned }) => pruned.map((unit) => ({ site, unit })));
  const refused = new Map<number, string>();
  for (;;) {
    const spread = new Spread(traced, stored, refused);
    for (const { site } of new Map(units.map((each) => [each.site.name, each])).values()) {
      const unit = new Int32Array(site.units).fill(-1);
      for (const [id, each] of units.entries()) {
        if (each.site.name === site.name && !refused.has(id)) unit[each.unit] = id;
      }
      spread.from(site.name, { axis: site.axis, unit });
    }
    const before = refused.size;
    spread.run();
    if (refused.size > before) continue;
    const kept = [...refused].map(([id, why]) => {
      const { site, unit } = units[id] as (typeof units)[number];
      return { site: site.name, unit, why };
    });
    return { places: spread.places(), lengths: spread.lengths, kept };
  }
}

/** Spreads marks from values over the graph until nothing is added. */
class Spread {
  readonly lengths: Length[] = [];
  readonly #traced: Traced;
  readonly #stored: ReadonlySet<string>;
  readonly #refused: Map<number, string>;
  readonly #made: ReadonlyMap<string, Node>;
  readonly #uses: ReturnType<typeof consumers>;
  readonly #outputs: ReadonlySet<string>;
  readonly #marks = new Map<string, Places>();
  /** Of the places marked those that are zero. */
  readonly #zeros = new Map<string, Places>();
  readonly #queue: Places[] = [];
  /** By constant, the inputs of nodes that it is cut for. */
  readonly #readers = new Map<string, Set<string>>();
  readonly #runs: { unit: Int32Array; runs: number; node: Node }[] = [];
  readonly #readings: { node: Node; at: Places }[] = [];

  constructor(traced: Traced, stored: ReadonlySet<string>, refused: Map<number, string>) {
    this.#traced = traced;
    this.#stored = stored;
    this.#refused = refused;
    this.#made = producers(traced.graph);
    this.#uses = consumers(traced.graph);
    this.#outputs = new Set(traced.graph.outputs.map(({ name }) => name));
  }

  from(value: string, channels: Channels): void {
    this.#mark(value, channels);
    this.#zero(value, channels);
  }

  places(): Places[] {
    return [...this.#marks.values()];
  }

  run(): void {
    for (let at = this.#queue.shift(); at; at = this.#queue.shift()) {
      this.#up(at);
      this.#down(at);
    }
    for (const { node, at } of this.#readings) {
      const zero = this.#zeros.get(keyOf(at))?.unit;
      const needed = at.unit.map((unit, place) => (zero?.[place] === unit ? -1 : unit));
      this.#refuse(needed, `${nodeLabel(node)} reads "${at.value}" there, where it is not zero`);
    }
    for (const run of this.#runs) this.#balance(run);
    for (const { value, unit } of this.#marks.values()) {
      if (!this.#traced.graph.initializers.has(value)) continue;
      const read = this.#uses.get(value)?.length ?? 0;
      if (read > (this.#readers.get(value)?.size ?? 0)) {
        this.#refuse(unit, `"${value}" is used elsewhere too`);
      }
    }
  }

  /** What the node that produces a value loses with places of it. */
  #up(at: Places): void {
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
    if (removal.runs !== undefined) this.#runs.push({ unit, runs: removal.runs, node });
    if (removal.length) this.lengths.push({ value, ...removal.length });
    for (const { index, channels } of removal.operands) {
      const operand = node.inputs[index] as string;
      // One value for all units, such as a bias of one element, stays.
      if (dims(operand)[channels.axis] !== 1 || channels.unit.length === 1) {
        this.#mark(operand, channels, `${index} ${node.outputs[0]}`);
      }
    }
  }

  /** What becomes of the places where a value is read. */
  #down(at: Places): void {
    const { value, unit } = at;
    if (this.#traced.graph.initializers.has(value)) return;
    if (this.#outputs.has(value)) return this.#refuse(unit, `"${value}" is an output of the model`);
    const dims = dimsOf(this.#traced);
    const known = knownOf(this.#traced);
    for (const { node, index } of this.#uses.get(value) ?? []) {
      const passage = removalPassage(node, index, at, dims, known);
      // Weights that are computed are read by the layer that they are cut for.
      const expected = this.#readers.get(value)?.has(`${index} ${node.outputs[0]}`);
      if (passage.kind === 'opaque' && expected) continue;
      if (passage.kind === 'opaque') this.#refuse(unit, passage.why);
      else if (passage.kind === 'mix') {
        const { input, axis } = passage.weights;
        const weights = node.inputs[input] as string;
        const reader = `${input} ${node.outputs[0]}`;
        this.#mark(weights, { axis, unit: passage.weights.unit }, reader);
        this.#readings.push({ node, at });
        if (passage.runs !== undefined) this.#runs.push({ unit, runs: passage.runs, node });
      } else {
        const [output] = node.outputs as [string];
        this.#mark(output, passage.channels);
        this.#zeroBy(node, output, passage.channels);
      }
    }
  }

  /** Places that are zero since those of one input are, or those of all inputs that matter. */
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

  #mark(value: string, { axis, unit }: Channels, reader?: string): void {
    if (reader !== undefined) {
      this.#readers.set(value, (this.#readers.get(value) ?? new Set()).add(reader));
    }
    this.#join(this.#marks, { value, axis, unit });
  }

  #zero(value: string, { axis, unit }: Channels): void {
    this.#join(this.#zeros, { value, axis, unit });
  }

  /** Adds places; where that is news, they are looked at again. */
  #join(into: Map<string, Places>, at: Places): void {
    if (at.unit.every((unit) => unit < 0)) return;
    const before = into.get(keyOf(at))?.unit;
    if (before && before.length !== at.unit.length) {
      return this.#refuse(at.unit, `"${at.value}" is cut in two ways`);
    }
    const unit = at.unit.map((id, place) => {
      const other = before?.[place] ?? -1;
      if (id >= 0 && other >= 0 && id !== other) {
        this.#refuse(Int32Array.of(id, other), `"${at.value}" has one place for two pruned units`);
      }
      return other >= 0 ? other : id;
    });
    if (before?.every((id, place) => id === unit[place])) return;
    into.set(keyOf(at), { value: at.value, axis: at.axis, unit });
    const mark = this.#marks.get(keyOf(at));
    if (mark) this.#queue.push(mark);
  }

  /** Where a grouped layer would lose more places in one group than in another, the rest stays. */
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
