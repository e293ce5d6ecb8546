import { join } from 'node:path';
import type { Slim } from '../channels/index.ts';
import type { RunRecord } from '../report/index.ts';
import { put } from './outputs.ts';

export function slimPath(folder: string): string {
  return join(folder, 'slim.onnx');
}

/**
 * Writes a slim network, if its outputs are the same and it has fewer units.
 *
 * @param repaired - the file that it was made from
 */
export async function writeSlim(
  made: Slim,
  repaired: Uint8Array,
  { out, force }: { readonly out: string; readonly force: boolean },
): Promise<NonNullable<RunRecord['slim']>> {
  const { sha256Of } = await import('../onnx/file.ts');
  const { externalDataSizes } = await import('../onnx/save.ts');
  const externalSizes = [...externalDataSizes(repaired).values()];
  const before = externalSizes.reduce((sum, size) => sum + size, repaired.length);
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

/** A summary for the terminal. */
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
    : `no slim file was written: ${kept.length > 0 ? stay : difference === 0 ? 'nothing was pruned' : `outputs would differ by ${difference?.toExponential(1) ?? 'an unknown amount'}`}`;
}
