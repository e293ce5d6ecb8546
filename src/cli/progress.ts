import { MultiBar, SingleBar } from 'cli-progress';

/** Shows the progress of a command: bars with an estimate on a terminal, lines of text elsewhere. */
export interface Progress {
  say(text: string): void;
  /** Shows a stage at `done` of `all`. A new name starts a new bar. */
  at(stage: string, done: number, all: number): void;
  end(): void;
}

/** @param concurrency - how many stages run at the same time at most */
export function progressOn(stream: NodeJS.WriteStream, quiet: boolean, concurrency = 1): Progress {
  if (quiet) return { say() {}, at() {}, end() {} };
  if (!stream.isTTY) return lines(stream);
  return concurrency > 1 ? concurrentBars(stream) : bars(stream);
}

const SHOWN = {
  format: '{stage} {bar} {percentage}% | {duration_formatted} | {eta_formatted} left',
  barCompleteChar: '█',
  barIncompleteChar: '░',
  barsize: 24,
  etaBuffer: 50,
  hideCursor: true,
};

function bars(stream: NodeJS.WriteStream): Progress {
  let current: { stage: string; bar: SingleBar } | undefined;
  const end = () => {
    current?.bar.stop();
    current = undefined;
  };
  return {
    say(text) {
      end();
      stream.write(`${text}\n`);
    },
    at(stage, done, all) {
      if (current?.stage !== stage) {
        end();
        const bar = new SingleBar({ ...SHOWN, stream });
        bar.start(all, done, { stage: stage.padEnd(32) });
        current = { stage, bar };
      }
      current.bar.update(done);
      if (done >= all) end();
    },
    end,
  };
}

function concurrentBars(stream: NodeJS.WriteStream): Progress {
  const multi = new MultiBar({ ...SHOWN, stream });
  const stages = new Map<string, SingleBar>();
  return {
    say: (text) => multi.log(`${text}\n`),
    at(stage, done, all) {
      const bar = stages.get(stage) ?? multi.create(all, done, { stage: stage.padEnd(40) });
      stages.set(stage, bar);
      bar.update(done);
      if (done < all) return;
      multi.remove(bar);
      stages.delete(stage);
    },
    end: () => multi.stop(),
  };
}

/** A line at the start and end of every stage, and one with an estimate every ten seconds. */
function lines(stream: NodeJS.WriteStream): Progress {
  const stages = new Map<string, { readonly started: number; said: number }>();
  return {
    say: (text) => void stream.write(`${text}\n`),
    at(stage, done, all) {
      const now = performance.now();
      const current = stages.get(stage) ?? { started: now, said: now };
      if (!stages.has(stage)) {
        stages.set(stage, current);
        stream.write(`${stage} ...\n`);
      }
      const spent = now - current.started;
      if (done >= all) {
        stream.write(`${stage}: done in ${(spent / 1000).toFixed(1)} s\n`);
        stages.delete(stage);
      } else if (now - current.said > 10_000 && done > 0) {
        current.said = now;
        const left = (spent / done) * (all - done);
        stream.write(`${stage}: ${done} of ${all}, about ${Math.ceil(left / 1000)} s left\n`);
      }
    },
    end: () => stages.clear(),
  };
}
