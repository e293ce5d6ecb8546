import { join } from 'node:path';
import type { Defense } from '../defense/index.ts';
import type { Dataset } from '../data/index.ts';
import type { RunRecord } from '../report/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { put } from './outputs.ts';

export function slimPath(folder: string): string {
  return join(folder, 'slim.onnx');
}

interface SlimTarget {
  /** Where the input lay, for its external data. */
  readonly path: string;
  readonly out: string;
  readonly force: boolean;
  /** The output that has the scores, where one was named. */
  readonly output?: string | undefined;
}

/**
 * Makes the repaired network slim and writes it beside it, if it is the same and not empty-handed.
 *
 * @param bytes - the repaired file
 */
export async function writeSlim(
  runtime: Runtime,
  defense: Defense,
  validation: Dataset,
  bytes: Uint8Array,
  { path, out, force, output }: SlimTarget,
): Promise<NonNullable<RunRecord['slim']>> {
  const { slim } = await import('../channels/index.ts');
  const { decodeModel } = await import('../onnx/index.ts');
  const { externalDataBeside } = await import('../onnx/external.ts');
  const { sha256Of } = await import('../onnx/file.ts');
  const { externalIn } = await import('../onnx/save.ts');
  const model = decodeModel(bytes, { name: path, external: externalDataBeside(path) });
  const tuned = defense.outcomes.at(-1)?.method === 'fine-tuning';
  const sites = defense.prunings.map(({ site, pruned }) => ({ site, pruned: tuned ? [] : pruned }));
  const made = await slim(runtime, model, sites, validation, output ? { output } : {});
  const before = [...externalIn(bytes).values()].reduce((sum, more) => sum + more, bytes.length);
  const written = made.same && made.removed.some(({ units }) => units.length > 0);
  if (written) await put(slimPath(out), made.bytes, force);
  return {
    ...(written && { file: { path: slimPath(out), sha256: sha256Of(made.bytes) } }),
    bytes: { before, after: written ? made.bytes.length : before },
    removed: made.removed.map(({ site, units }) => ({ site, units: written ? [...units] : [] })),
    kept: [...made.kept],
    difference: Number.isFinite(made.difference) ? made.difference : null,
  };
}

/** What to tell a person of it. */
export function slimText({
  file,
  bytes,
  removed,
  kept,
  difference,
}: NonNullable<RunRecord['slim']>) {
  const count = removed.reduce((sum, { units }) => sum + units.length, 0);
  const reasons = [...new Set(kept.map(({ why }) => why))];
  const stay = `${kept.length} stay, zeroed${reasons.map((why) => `\n  ${why}`).join('')}`;
  const share = ((100 * bytes.after) / bytes.before).toFixed(1);
  return file
    ? `${file.path}: ${count} units removed, ${share}% of the bytes, outputs differ by ${difference?.toExponential(1)}${kept.length > 0 ? `; ${stay}` : ''}`
    : `no slim file was written: ${kept.length > 0 ? stay : difference === 0 ? 'nothing was pruned' : `outputs would differ by ${difference?.toExponential(1) ?? 'more than can be said'}`}`;
}
