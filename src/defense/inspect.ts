import { normalize, OPSET } from '../graph/index.ts';
import { type Dim, sizeOf, type DataType, type Tensor, type ValueInfo } from '../onnx/index.ts';
import type { OnnxFile } from '../onnx/file.ts';
import { inferTypes, type Runtime } from '../runtime/index.ts';
import {
  type ClassifierOptions,
  inputOf,
  standardized,
  literalsOf,
  parametersOf,
  specIn,
} from '../network/index.ts';
import { type InputLogic, inputLogic } from './scan/input-logic.ts';
import {
  foldOf,
  type Fold,
  unreachable,
  defaultSites,
  sitesOf,
  type Site,
} from '../channels/index.ts';

interface Described {
  readonly name: string;
  readonly type: DataType | 'unknown';
  readonly dims: readonly Dim[];
}

/** What a model is, and where it can be pruned. */
export interface Inspection {
  readonly sha256: string;
  readonly opset: number;
  readonly producer: string;
  readonly inputs: readonly Described[];
  readonly outputs: readonly Described[];
  readonly nodes: number;
  /** Elements of the initializers that training may change. */
  readonly parameters: number;
  readonly sites: readonly (Site & {
    readonly fold: Fold['into'];
    /** Units that cannot activate, as far as the weights alone tell. */
    readonly possibleDecoys: readonly number[];
  })[];
  /** The sites that are pruned unless others are named. */
  readonly defaultSites: readonly string[];
  /** Why these; null where there is none. */
  readonly defaultSiteReason: string | null;
  /** Where decisions about the input switch what reaches the outputs; no repair of weights removes them. */
  readonly inputLogic: readonly InputLogic[];
  readonly warnings: readonly string[];
}

/**
 * Looks at a model without any data: unknown dims are taken as 2 for the batch and 32 elsewhere.
 *
 * @param options - the output that has the scores; the first by default
 * @throws DefenseError 'network/output' where there is none of that name, 'network/operator' where
 *   nothing can be worked on
 */
export async function inspect(
  runtime: Runtime,
  file: OnnxFile,
  options: ClassifierOptions = {},
): Promise<Inspection> {
  const { model } = file;
  const { graph: whole, changes } = normalize(model);
  const { graph, constants } = standardized(whole);
  if (options.output !== undefined) inputOf(graph, options.output);
  const output = options.output ?? graph.outputs[0]?.name ?? '';
  const names = parametersOf(graph, output, new Set([...literalsOf(model), ...constants]));
  const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, sampleOf(input)]));
  const traced = await inferTypes(runtime, graph, OPSET, feeds, names);
  const sites = sitesOf(traced, output).map((site) => ({
    ...site,
    fold: foldOf(graph, traced, site).into,
    possibleDecoys: unreachable(traced, site),
  }));
  const chosen = sites.length > 0 ? defaultSites(traced, sites, output) : undefined;
  const logic = inputLogic(
    model.graph,
    model.graph.outputs.map(({ name }) => name),
  );
  const warnings = [
    ...(graph.outputs.length > 1 && options.output === undefined && !specIn(model.metadata)
      ? [
          `it has ${graph.outputs.length} outputs; the first, "${output}", is looked at, and --output names another`,
        ]
      : []),
    ...sites
      .filter(({ possibleDecoys }) => possibleDecoys.length > 0)
      .map(
        ({ name, units, possibleDecoys }) =>
          `${possibleDecoys.length} of the ${units} units of "${name}" cannot activate, whatever the input: they may be decoys, put there to be pruned in place of a backdoor`,
      ),
    ...logic.map(
      ({ decisions, gate }) =>
        `${gate} switches values by a decision about the input (${listed(decisions)}): it may be a backdoor that is code, which no repair of weights removes`,
    ),
    ...(sites.length === 0 ? ['no place to prune was found'] : []),
    ...(changes.length > 0
      ? [`${changes.length} nodes are read in the form of opset ${OPSET}`]
      : []),
  ];
  return {
    sha256: file.sha256,
    opset: model.opsets.get('') ?? 0,
    producer: model.producer,
    inputs: model.graph.inputs.map(describe),
    outputs: model.graph.outputs.map(describe),
    nodes: model.graph.nodes.length,
    parameters: names.reduce(
      (total, name) => total + sizeOf(graph.initializers.get(name)?.dims ?? [0]),
      0,
    ),
    sites,
    defaultSites: chosen?.sites.map(({ name }) => name) ?? [],
    defaultSiteReason: chosen?.reason ?? null,
    inputLogic: logic,
    warnings,
  };
}

/** The first of some names. */
function listed(names: readonly string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function describe({ name, type, dims }: ValueInfo): Described {
  return { name, type: type ?? 'unknown', dims: dims ?? [] };
}

function sampleOf({ type, dims = [] }: ValueInfo): Tensor {
  const known = dims.map((dim, axis) =>
    typeof dim === 'number' && dim > 0 ? dim : axis === 0 ? 2 : 32,
  );
  const size = sizeOf(known);
  if (type === 'int64') return { type, dims: known, data: new BigInt64Array(size) };
  if (type === 'int32') return { type, dims: known, data: new Int32Array(size) };
  if (type === 'uint8') return { type, dims: known, data: new Uint8Array(size) };
  return { type: 'float32', dims: known, data: new Float32Array(size) };
}
