import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs the command line in a separate process, as a user does.
 *
 * @param watch - called with all of standard error so far at each write
 * @param env - environment variables to set
 */
export async function fineprune(
  args: readonly string[],
  watch?: (err: string, kill: (signal: 'SIGINT' | 'SIGKILL') => void) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const cli = inject('cli');
  if (cli === '') throw new Error('the command line does not build: see the first lines');
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    watch?.(err, (signal) => child.kill(signal));
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}
