import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoints, Checkpoint } from '../train/index.ts';
import { FinepruneError } from '../onnx/error.ts';
import { writeFileAtomic } from '../onnx/write.ts';

/** A run that cannot be gone on with. */
export class ResumeError extends FinepruneError<'resume/differs' | 'resume/damaged'> {
  override readonly name = 'ResumeError';
}

/** All that the result of a run depends on, by what a person calls it. */
export type RunIdentity = Readonly<Record<string, unknown>>;

export interface CheckpointFolder extends Checkpoints {
  /** Whether there was something to go on from. */
  readonly resumed: boolean;
  /** Called when the run is done: nothing is left of it. */
  remove(): Promise<void>;
}

/** Milliseconds that points of a curve, which come quickly, may be behind. */
const BEHIND = 500;

/**
 * Opens the folder in which a run keeps what it has so far, `.resume` within its output.
 *
 * @param resume - go on with what is there; otherwise it is thrown away
 * @throws ResumeError 'resume/differs' where what is there is of another run, with what differs;
 *   'resume/damaged' where it cannot be read
 */
export async function checkpointFolder(
  out: string,
  identity: RunIdentity,
  resume: boolean,
): Promise<CheckpointFolder> {
  const folder = join(out, '.resume');
  const run = join(folder, 'run.json');
  const resumed = resume && existsSync(run);
  if (resumed) checkSame(run, await parsed(run), identity);
  else await rm(folder, { recursive: true, force: true });
  // Made when there is something to keep: a run that is refused leaves nothing behind.
  const ready = async () => {
    if (existsSync(run)) return;
    await mkdir(folder, { recursive: true });
    await writeFileAtomic(run, JSON.stringify(identity, null, 2), { force: true });
  };
  const pathOf = (part: string) => join(folder, `${part.replaceAll(/[^\w.-]/g, '_')}.state`);
  const written = new Map<string, number>();
  return {
    resumed,
    async load(part) {
      const path = pathOf(part);
      return existsSync(path) ? decode(path, await readFile(path)) : undefined;
    },
    async save(part, saved) {
      const now = performance.now();
      if (!saved.arrays && now - (written.get(part) ?? -Infinity) < BEHIND) return;
      await ready();
      await writeFileAtomic(pathOf(part), encode(saved), { force: true });
      written.set(part, performance.now());
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const text = (value: unknown) => JSON.stringify(value) ?? 'nothing';

function checkSame(path: string, before: unknown, now: RunIdentity): void {
  const was = before as RunIdentity;
  const names = [...new Set([...Object.keys(was), ...Object.keys(now)])];
  const differing = names.filter((name) => text(was[name]) !== text(now[name]));
  if (differing.length === 0) return;
  const said = differing.map((name) => `${name} was ${text(was[name])} and is ${text(now[name])}`);
  throw new ResumeError(
    'resume/differs',
    `The run kept beside ${path} is another one: ${said.join('; ')}. Repeat its command with --resume, or leave --resume out to start anew`,
  );
}

async function parsed(path: string): Promise<unknown> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as unknown;
    if (value !== null && typeof value === 'object') return value;
  } catch {
    // Said below.
  }
  throw damaged(path);
}

function damaged(path: string): ResumeError {
  return new ResumeError(
    'resume/damaged',
    `${path} cannot be read: leave --resume out to start anew`,
  );
}

/** A length, that many bytes of JSON with the name and length of each array, and the arrays. */
function encode({ data, arrays = new Map() }: Checkpoint): Uint8Array {
  const lengths = [...arrays].map(([name, { length }]) => [name, length]);
  const header = Buffer.from(JSON.stringify({ data, lengths }));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(header.length);
  const chunks = [...arrays.values()].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return Buffer.concat([size, header, ...chunks]);
}

function decode(path: string, bytes: Buffer): Checkpoint {
  try {
    const end = 4 + bytes.readUInt32LE(0);
    const { data, lengths } = JSON.parse(bytes.subarray(4, end).toString('utf8')) as {
      data: unknown;
      lengths: [string, number][];
    };
    let at = end;
    const arrays = new Map<string, Float32Array>();
    for (const [name, length] of lengths) {
      const values = new Float32Array(length);
      const read = bytes.copy(new Uint8Array(values.buffer), 0, at, at + 4 * length);
      if (read !== 4 * length) throw damaged(path);
      arrays.set(name, values);
      at += 4 * length;
    }
    return { data, ...(lengths.length > 0 && { arrays }) };
  } catch {
    throw damaged(path);
  }
}
