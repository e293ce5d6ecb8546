import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** PyTorch in a long-running process, so that its runs can alternate with ours. */
export interface Torch {
  readonly python: string;
  readonly version: string;
  /** Sends a request to bench/pytorch by name, and returns its answer. */
  run<Answer>(what: string, ask: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** CPU time of all its threads, up to its last answer. */
  cpuMs(): number;
  close(): void;
}

/** The first of $PYTHON, python3 and /usr/bin/python3 that has PyTorch. */
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
  const script = fileURLToPath(new URL('pytorch', import.meta.url));
  const child = spawn(python, ['-B', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('bench/pytorch ended: its error is above');
    return JSON.parse(value) as unknown;
  };
  const { torch } = (await read()) as { torch: string };
  let cpuMs = 0;
  return {
    python,
    version: torch,
    run: async <Answer>(what: string, ask: object) => {
      child.stdin.write(`${JSON.stringify({ what, ...ask })}\n`);
      const answer = (await read()) as Answer & { cpuMs: number };
      ({ cpuMs } = answer);
      return answer;
    },
    cpuMs: () => cpuMs,
    close: () => end(child),
  };
}

function end(child: ChildProcess): void {
  child.stdin?.end();
}
