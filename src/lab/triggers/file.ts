import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Target } from '../../metrics/index.ts';
import { TriggerError } from './error.ts';
import { parseTrigger, type Trigger } from './trigger.ts';

/** What an attack stamps on inputs, and what it wants them to be called. */
export interface TriggerFile {
  readonly trigger: Trigger;
  readonly target: Target;
}

const label = z.int().min(0);

const targetSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('allToOne'), label }),
  z.strictObject({ kind: z.literal('allToAll'), classes: z.int().min(2) }),
  z.strictObject({ kind: z.literal('sourceToTarget'), source: label, target: label }),
  z.strictObject({ kind: z.literal('untargeted') }),
]) satisfies z.ZodType<Target>;

const fileSchema = z.object({ trigger: z.unknown(), target: targetSchema });

/**
 * Reads a trigger file as `attack` writes it.
 *
 * @throws TriggerError `trigger/format` where it is not one
 */
export async function readTrigger(path: string): Promise<TriggerFile> {
  const parsed = fileSchema.safeParse(await readJson(path));
  if (!parsed.success) {
    throw new TriggerError(
      'trigger/format',
      `${path} is no trigger file:\n${z.prettifyError(parsed.error)}\nGive the trigger.json that "fineprune attack" wrote.`,
      { cause: parsed.error },
    );
  }
  return { trigger: parseTrigger(parsed.data.trigger, path), target: parsed.data.target };
}

export function triggerJson({ trigger, target }: TriggerFile): string {
  return `${JSON.stringify({ trigger, target }, null, 2)}\n`;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TriggerError('trigger/format', `${path} cannot be read as JSON: ${reason}`, {
      cause,
    });
  }
}
