import type { Tensor } from '../../onnx/index.ts';
import { ChannelsError } from '../error.ts';

export interface StoreSettings {
  /**
   * Bytes to hold in memory, a quarter of what is free by default. What is beyond goes to a temporary
   * file: slower, same results.
   */
  readonly memory?: number | undefined;
  /** Where that file goes; the system's folder for temporary files by default. */
  readonly folder?: string | undefined;
}

/** A tensor that was put away. */
export interface Kept<T extends Tensor> {
  read(): Promise<T>;
  /** Replaces the elements: type and dims stay. */
  write(tensor: T): Promise<void>;
}

/**
 * Tensors put away for later: in memory up to a limit, and beyond it in one temporary file, as they lie
 * in memory, so that what comes back is the same to the byte. The file has lost its name before
 * anything is in it where the system allows that: even a killed process leaves nothing behind.
 */
export class TensorStore {
  readonly #limit: Promise<number>;
  readonly #folder: string | undefined;
  #held = 0;
  #end = 0;
  #file: Promise<SpillFile> | undefined;

  constructor({ memory, folder }: StoreSettings = {}) {
    this.#limit = memory === undefined ? quarterOfFree() : Promise.resolve(memory);
    this.#folder = folder;
  }

  /** Bytes in the file. */
  get spilled(): number {
    return this.#end;
  }

  async keep<T extends Tensor>(tensor: T): Promise<Kept<T>> {
    const { type, dims } = tensor;
    const data: Tensor['data'] = tensor.data;
    // Strings do not lie in one piece of memory.
    if (Array.isArray(data)) return inMemory(tensor);
    const size = data.byteLength;
    if (this.#held + size <= (await this.#limit)) {
      this.#held += size;
      return inMemory(tensor);
    }
    const file = await (this.#file ??= openSpillFile(this.#folder));
    const at = this.#end;
    this.#end += size;
    await file.write(data, at);
    const Elements = data.constructor as new (length: number) => ArrayBufferView;
    return {
      async read() {
        const read = new Elements(data.length);
        await file.read(read, at);
        return { type, dims, data: read } as unknown as T;
      },
      write: (next) => file.write(next.data as ArrayBufferView, at),
    };
  }

  async dispose(): Promise<void> {
    // A file that could not be opened has been told of already.
    const file = await this.#file?.catch(() => undefined);
    this.#file = undefined;
    await file?.close();
  }
}

function inMemory<T extends Tensor>(tensor: T): Kept<T> {
  let held = tensor;
  return {
    read: () => Promise.resolve(held),
    write(next) {
      held = next;
      return Promise.resolve();
    },
  };
}

interface SpillFile {
  write(data: ArrayBufferView, at: number): Promise<void>;
  read(data: ArrayBufferView, at: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws ChannelsError 'channels/spill' where the file cannot be made, written or read */
async function openSpillFile(folder?: string): Promise<SpillFile> {
  // Loaded only where something is spilled: the rest needs nothing of Node.
  const [{ open, rm }, { tmpdir }, path, { randomUUID }] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
    import('node:crypto'),
  ]);
  const place = path.join(folder ?? tmpdir(), `fineprune-${randomUUID()}.tmp`);
  const told = async <T>(what: Promise<T>) =>
    what.catch((cause) => Promise.reject(fault(place, cause)));
  const file = await told(open(place, 'wx+', 0o600));
  const unnamed = await rm(place).then(
    () => true,
    () => false,
  );
  return {
    write: (data, at) => told(transfer(data, at, file.write.bind(file))),
    read: (data, at) => told(transfer(data, at, file.read.bind(file))),
    async close() {
      await file.close();
      if (!unnamed) await rm(place, { force: true });
    },
  };
}

/** Reads or writes all of an array, however little the system moves at once. */
async function transfer(
  data: ArrayBufferView,
  at: number,
  move: (
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ bytesRead: number } | { bytesWritten: number }>,
): Promise<void> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let done = 0; done < bytes.length;) {
    const moved = await move(bytes, done, bytes.length - done, at + done);
    const count = 'bytesRead' in moved ? moved.bytesRead : moved.bytesWritten;
    if (count === 0) throw new Error('the file ended too early');
    done += count;
  }
}

function fault(path: string, cause: unknown): ChannelsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ChannelsError(
    'channels/spill',
    `Activations that do not fit in memory go to ${path}, which failed (${reason}): free some space there, set TMPDIR to another folder, or allow more memory with --cache-memory`,
  );
}

async function quarterOfFree(): Promise<number> {
  const { freemem } = await import('node:os');
  return freemem() / 4;
}
