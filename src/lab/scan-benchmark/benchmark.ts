import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scanNetwork, type ScanOptions } from '../../defense/index.ts';
import type { Evaluation, Target } from '../../metrics/index.ts';
import { openClassifier } from '../../network/index.ts';
import { writeFileAtomic } from '../../onnx/write.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { ScanCase } from './cases.ts';
import { type BenchmarkData, benchmarkData } from './data.ts';
import { trainCase } from './train-case.ts';

/** What a scan said of one network of the benchmark. */
export interface ScanLine {
  readonly name: string;
  readonly set: string;
  readonly network: string;
  /** 'none' for a clean network. */
  readonly attack: string;
  readonly poisonRate: number;
  /** The target class or 'all-to-all'; null for a clean network. */
  readonly target: string | null;
  readonly evaluation: Evaluation;
  readonly verdict: string;
  /** The smallest ratio of all classes and families: the lower, the more suspect. */
  readonly ratio: number;
  /** The target that has it: a class, or 'all-to-all'. */
  readonly suspect: string;
  /** The rank of the true target by its ratio, from 1 on; null for a clean network. */
  readonly rank: number | null;
  /** For each family, the ratio of each target. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly seconds: number;
}

/** How a benchmark runs. */
export interface ScanBenchmarkOptions {
  /** Gets the networks and a line for each: what is there is not made again. */
  readonly folder: string;
  readonly scan?: ScanOptions | undefined;
  /** The data of a case; by default `benchmarkData`. */
  readonly load?: ((one: ScanCase) => Promise<BenchmarkData>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after each network. */
  readonly onProgress?: ((line: ScanLine, done: number, all: number) => void) | undefined;
}

/** Trains and scans the networks of a benchmark. A killed run goes on where it stopped. */
export async function scanBenchmark(
  runtime: Runtime,
  cases: readonly ScanCase[],
  { folder, scan, signal, onProgress, load = loaded }: ScanBenchmarkOptions,
): Promise<ScanLine[]> {
  const lines: ScanLine[] = [];
  for (const one of cases) {
    signal?.throwIfAborted();
    const file = join(folder, `${one.name}.scan.json`);
    const line = existsSync(file)
      ? (JSON.parse(await readFile(file, 'utf8')) as ScanLine)
      : await measured(runtime, one, await load(one), folder, { ...scan, signal });
    await writeFileAtomic(file, `${JSON.stringify(line, null, 2)}\n`, { force: true });
    lines.push(line);
    onProgress?.(line, lines.length, cases.length);
  }
  return lines;
}

const loaded = ({ set, seed }: ScanCase) => benchmarkData(set, seed);

async function measured(
  runtime: Runtime,
  one: ScanCase,
  data: BenchmarkData,
  folder: string,
  options: ScanOptions,
): Promise<ScanLine> {
  const { model, evaluation } = await trainCase(runtime, one, data, folder, options.signal);
  const network = await openClassifier(runtime, model, data.validation);
  const found = await scanNetwork(runtime, network, data.validation, options);
  const ratios = Object.fromEntries(
    found.families.map(({ family, classes }) => [
      family,
      Object.fromEntries(classes.map(({ class: label, ratio }) => [label ?? 'all-to-all', ratio])),
    ]),
  );
  const best = bestRatios(Object.values(ratios));
  const [[suspect, ratio]] = best as [[string, number]];
  const target = one.target ? nameOf(one.target) : null;
  const place = best.findIndex(([label]) => label === target);
  return {
    name: one.name,
    set: one.set,
    network: one.network,
    attack: one.attack,
    poisonRate: one.poisonRate ?? 0,
    target,
    evaluation,
    verdict: found.verdict,
    ratio,
    suspect,
    rank: place < 0 ? null : place + 1,
    ratios,
    seconds: found.seconds,
  };
}

/** A target as a scan names it. */
function nameOf(target: Target): string {
  return target.kind === 'all-to-one' ? String(target.label) : target.kind;
}

/** Each target with the smaller of its ratios, ascending. */
function bestRatios(families: readonly Readonly<Record<string, number>>[]): [string, number][] {
  const best = new Map<string, number>();
  for (const family of families) {
    for (const [key, ratio] of Object.entries(family)) {
      best.set(key, Math.min(ratio, best.get(key) ?? Infinity));
    }
  }
  return [...best].toSorted((a, b) => a[1] - b[1]);
}
