import type { Tensor } from '../../onnx/index.ts';
import { ChannelsError } from '../error.ts';

export interface StoreSettings {
  /**
   * Bytes to keep in memory; default: a quarter of the free memory. The rest goes to a temporary file:
   * slower, with the same results.
   */
  readonly memory?: number | undefined;
  /** The folder of that file; default: the system's folder for temporary files. */
  readonly folder?: string | undefined;
}

/** A tensor in a store. */
export interface Stored<T extends Tensor> {
  read(): Promise<T>;
  /** Replaces the elements; type and dims stay. */
  write(tensor: T): Promise<void>;
}

/**
 * Stores tensors in memory up to a limit, and beyond it in one temporary file, with the same bytes. Where
 * the system allows it, the file is unlinked before anything is written: even a killed process leaves
 * nothing behind.
 */
export class TensorStore {
  readonly #limit: Promise<number>;
  readonly #folder: string | undefined;
  #inMemory = 0;
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

  async keep<T extends Tensor>(tensor: T): Promise<Stored<T>> {
    const { type, dims } = tensor;
    const data: Tensor['data'] = tensor.data;
    // Strings are not one buffer that could be written to a file.
    if (Array.isArray(data)) return inMemory(tensor);
    const size = data.byteLength;
    if (this.#inMemory + size <= (await this.#limit)) {
      this.#inMemory += size;
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
    // If the file could not be opened, `keep` has thrown that error already.
    const file = await this.#file?.catch(() => undefined);
    this.#file = undefined;
    await file?.close();
  }
}

function inMemory<T extends Tensor>(tensor: T): Stored<T> {
  let current = tensor;
  return {
    read: () => Promise.resolve(current),
    write(next) {
      current = next;
      return Promise.resolve();
    },
  };
}

interface SpillFile {
  write(data: ArrayBufferView, at: number): Promise<void>;
  read(data: ArrayBufferView, at: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws ChannelsError 'channels/spill' if the file cannot be created, written or read */
async function openSpillFile(folder?: string): Promise<SpillFile> {
  // Imported only when something is spilled: nothing else here needs Node.
  const [{ open, rm }, { tmpdir }, path, { randomUUID }] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
    import('node:crypto'),
  ]);
  const filePath = path.join(folder ?? tmpdir(), `fineprune-${randomUUID()}.tmp`);
  const withSpillError = async <T>(operation: Promise<T>) =>
    operation.catch((cause) => Promise.reject(spillError(filePath, cause)));
  const file = await withSpillError(open(filePath, 'wx+', 0o600));
  const unlinked = await rm(filePath).then(
    () => true,
    () => false,
  );
  return {
    write: (data, at) => withSpillError(transfer(data, at, file.write.bind(file))),
    read: (data, at) => withSpillError(transfer(data, at, file.read.bind(file))),
    async close() {
      await file.close();
      if (!unlinked) await rm(filePath, { force: true });
    },
  };
}

/** Reads or writes a whole array, in as many calls as the system needs. */
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

function spillError(path: string, cause: unknown): ChannelsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ChannelsError(
    'channels/spill',
    `Activations do not fit in memory, and writing them to ${path} failed (${reason}): free some space there, set TMPDIR to another folder, or allow more memory with --cache-memory`,
  );
}

async function quarterOfFree(): Promise<number> {
  const { freemem } = await import('node:os');
  return freemem() / 4;
}
