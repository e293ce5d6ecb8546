import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { Target } from '../../metrics/index.ts';
import { TriggerError } from './error.ts';
import { jsonOf, parseTrigger, type ParseOptions } from './parse.ts';
import type { AttachedFile, Trigger } from './trigger.ts';

/** A trigger, and the label that the attacker wants for inputs that carry it. */
export interface TriggerFile {
  readonly trigger: Trigger;
  readonly target: Target;
}

/** Earlier spellings of targets. */
const RENAMED = new Map([
  ['allToOne', 'all-to-one'],
  ['allToAll', 'all-to-all'],
  ['sourceToTarget', 'source-to-target'],
]);

const label = z.int().min(0);

const targetSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('all-to-one'), label }),
    z.strictObject({ kind: z.literal('all-to-all'), classes: z.int().min(2) }),
    z.strictObject({ kind: z.literal('source-to-target'), source: label, target: label }),
    z.strictObject({ kind: z.literal('untargeted') }),
  ],
  {
    error({ input }) {
      const { kind } = (input ?? {}) as { readonly kind?: unknown };
      const renamed = typeof kind === 'string' ? RENAMED.get(kind) : undefined;
      return renamed && `"${String(kind)}" is now spelled "${renamed}"`;
    },
  },
) satisfies z.ZodType<Target>;

const fileSchema = z.object({ trigger: z.unknown(), target: targetSchema });

/**
 * Reads a trigger file as `attack` writes it, with the picture or sound next to it.
 *
 * @throws TriggerError `trigger/format` where it is not a trigger file; `trigger/file` where an attached
 *   file is missing or cannot be decoded
 */
export async function readTrigger(
  path: string,
  { triggers }: Pick<ParseOptions, 'triggers'> = {},
): Promise<TriggerFile> {
  const parsed = fileSchema.safeParse(await readJson(path));
  if (!parsed.success) {
    throw new TriggerError(
      'trigger/format',
      `${path} is not a trigger file:\n${z.prettifyError(parsed.error)}\nGive the trigger.json that "fineprune attack" wrote.`,
      { cause: parsed.error },
    );
  }
  const { trigger, target } = parsed.data;
  const read = (name: string) => readAttached(dirname(path), name);
  return { trigger: await parseTrigger(trigger, { where: path, triggers, read }), target };
}

/** The text of a trigger file. The files of `attachedFiles` belong next to it. */
export function triggerJson({ trigger, target }: TriggerFile): string {
  return `${JSON.stringify({ trigger: jsonOf(trigger), target }, null, 2)}\n`;
}

async function readAttached(folder: string, name: string): Promise<AttachedFile> {
  const path = join(folder, name);
  try {
    return { name, bytes: await readFile(path) };
  } catch (cause) {
    throw new TriggerError(
      'trigger/file',
      `${path}, a file of the trigger, cannot be read (${reasonOf(cause)}): put it next to the ` +
        'trigger file',
      { cause },
    );
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TriggerError('trigger/format', `${path} cannot be read as JSON: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
