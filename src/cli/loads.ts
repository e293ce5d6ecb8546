/** For tests only: which modules a command loads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

const encoded = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** Writes the address of every module that is loaded to standard error, whoever asks for it. */
const hooks = encoded(`
import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  writeSync(2, 'loads ' + url + '\\n');
  return next(url, context);
}
`);
const register = encoded(
  `import { register } from 'node:module'; register(${JSON.stringify(hooks)});`,
);

/** The packages that a command loads, and the folders of `src`, such as 'src/lab' and 'src/lab/tasks'. */
export async function loadsOf(args: readonly string[]): Promise<Set<string>> {
  const words = ['--import', 'tsx', '--import', register, 'src/cli/main.ts', ...args];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(child, 'close');
  const found = new Set<string>();
  for (const [, url = ''] of text.matchAll(/^loads (\S+)$/gm)) {
    const [, name] =
      /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? /\/(src\/\w+)\//.exec(url) ?? [];
    if (name !== undefined) found.add(name);
    const [, inner] = /\/(src\/\w+\/[\w-]+)\//.exec(url) ?? [];
    if (inner !== undefined) found.add(inner);
  }
  return found;
}
