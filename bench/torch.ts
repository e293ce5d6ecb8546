import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface TorchRun {
  /** Time of each step. */
  readonly ms: readonly number[];
  readonly loss: number;
  /** Trained numbers in the network: a check that both sides train the same one. */
  readonly parameters: number;
  /** Largest resident size of the process so far. */
  readonly peakMiB: number;
}

/** PyTorch in a process that stays, so that its runs can alternate with ours. */
export interface Torch {
  readonly python: string;
  readonly version: string;
  run(ask: { network: string; batch: number; threads: number; steps: number }): Promise<TorchRun>;
  close(): void;
}

/** The first Python of $PYTHON, python3 and /usr/bin/python3 that has PyTorch, if there is one. */
export function torchPython(): string | undefined {
  const candidates = [process.env['PYTHON'], 'python3', '/usr/bin/python3'];
  return candidates.find(
    (candidate) =>
      candidate && spawnSync(candidate, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  );
}

export async function openTorch(): Promise<Torch | undefined> {
  const python = torchPython();
  if (!python) return undefined;
  const script = fileURLToPath(new URL('torch_step.py', import.meta.url));
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('bench/torch_step.py ended: its error is above');
    return JSON.parse(value) as unknown;
  };
  const { torch } = (await read()) as { torch: string };
  return {
    python,
    version: torch,
    run(ask) {
      child.stdin.write(`${JSON.stringify(ask)}\n`);
      return read() as Promise<TorchRun>;
    },
    close: () => end(child),
  };
}

function end(child: ChildProcess): void {
  child.stdin?.end();
}
