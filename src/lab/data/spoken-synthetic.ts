import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { DataError, random, encodeWav } from '../../data/index.ts';

/** Accents and timbres of eSpeak NG. Without breathy ones, whose noise differs at every run. */
const ACCENTS = ['en-us', 'en-gb-x-rp', 'en-gb-scotland', 'en-029'];
const TIMBRES = [
  'm1',
  'f1',
  'm3',
  'f4',
  'm7',
  'Andrea',
  'm4',
  'linda',
  'm2',
  'belinda',
  'm5',
  'steph',
];

const WORDS = 'zero one two three four five six seven eight nine'.split(' ');

export interface SyntheticSpeech {
  /** Number of voices, 1 to 48. */
  readonly voices: number;
  /** Recordings of each digit by each voice, each with another rate and pitch. */
  readonly takes: number;
  /** The folder for recordings; default: the cache folder of this tool. */
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** The environment variable with the cache folder. */
const CACHE_VARIABLE = 'FINEPRUNE_CACHE';

/**
 * Synthesizes spoken digits, `{digit}_{voice}_{take}.wav`, unless they are in the cache. The recordings are
 * the same every time.
 *
 * @returns the folder of the recordings
 * @throws DataError `data/missing` if the synthesizer is not installed
 */
export async function syntheticSpeech(settings: SyntheticSpeech): Promise<string> {
  const { voices, takes, cache = cacheFolder() } = settings;
  const folder = join(cache, `spoken-digits-1-${voices}x${takes}`);
  const count = 10 * voices * takes;
  const existing = await readdir(folder).catch(() => []);
  if (existing.length === count) return folder;
  await mkdir(dirname(folder), { recursive: true });
  // The folder is renamed when it is complete: two processes may write it, and one may be killed.
  const made = await mkdtemp(`${folder}-`);
  try {
    await speakInto(made, settings);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder).catch(async (error: Error) => {
      if ((await readdir(folder).catch(() => [])).length !== count) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return folder;
}

function cacheFolder(): string {
  return process.env[CACHE_VARIABLE] || join(homedir(), '.cache', 'fineprune');
}

async function speakInto(
  folder: string,
  { voices, takes, signal, onProgress }: SyntheticSpeech,
): Promise<void> {
  const speaker = await synthesizer();
  const all = 10 * voices * takes;
  let done = 0;
  for (let voice = 0; voice < voices; voice += 1) {
    const timbre = TIMBRES[voice % TIMBRES.length] as string;
    const turn = voice + Math.floor(voice / TIMBRES.length);
    const name = `${ACCENTS[turn % ACCENTS.length] as string}+${timbre}`;
    const draw = random(voice, 'voice');
    for (let take = 0; take < takes; take += 1) {
      for (const [digit, word] of WORDS.entries()) {
        signal?.throwIfAborted();
        const samples = speaker.say(word, {
          voice: name,
          rate: 120 + draw.integer(110),
          pitch: 20 + draw.integer(60),
        });
        const file = `${digit}_${name}_${take}.wav`;
        await writeFile(join(folder, file), encodeWav({ rate: speaker.rate, samples }));
        done += 1;
        onProgress?.(done, all);
      }
    }
  }
}

interface Speaker {
  /** Sample rate in Hz. */
  readonly rate: number;
  say(word: string, how: { voice: string; rate: number; pitch: number }): Float32Array;
}

/** The used part of the package, which has no types. */
interface Worker {
  get_samplerate(): number;
  set_voice(name: string, language: string, gender: number, age: number, variant: number): number;
  set_rate(wordsPerMinute: number): void;
  set_pitch(pitch: number): void;
  synthesize(text: string, onSamples: (samples: Int16Array | undefined) => boolean): void;
}

/** An optional package: its license is the GPL, so it is not a dependency of this tool. */
const PACKAGE = '@echogarden/espeak-ng-emscripten';

async function synthesizer(): Promise<Speaker> {
  const module = (await import(PACKAGE).catch((cause: Error) => {
    throw new DataError(
      'data/missing',
      `Synthetic speech needs a synthesizer: run \`npm install ${PACKAGE}\``,
      { cause },
    );
  })) as { default: () => Promise<{ eSpeakNGWorker: new () => Worker }> };
  const worker = new (await module.default()).eSpeakNGWorker();
  let current = '';
  return {
    rate: worker.get_samplerate(),
    say(word, { voice, rate, pitch }) {
      if (voice !== current) worker.set_voice(voice, '', 0, 0, 0);
      current = voice;
      worker.set_rate(rate);
      worker.set_pitch(pitch);
      const parts: Int16Array[] = [];
      worker.synthesize(word, (samples) => {
        if (samples) parts.push(samples);
        return false;
      });
      return Float32Array.from(
        parts.flatMap((part) => [...part]),
        (value) => value / 2 ** 15,
      );
    },
  };
}
