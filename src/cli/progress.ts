import { SingleBar } from 'cli-progress';

/** Shows how far a command is: bars with an estimate on a terminal, a line a stage elsewhere. */
export interface Progress {
  say(text: string): void;
  /** A stage at `done` of `all`; a new name starts a new bar. */
  at(stage: string, done: number, all: number): void;
  end(): void;
}

export function progressOn(stream: NodeJS.WriteStream, quiet: boolean): Progress {
  if (quiet) return { say() {}, at() {}, end() {} };
  return stream.isTTY ? bars(stream) : lines(stream);
}

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
        const bar = new SingleBar({
          stream,
          format: `${stage.padEnd(32)} {bar} {percentage}% | {duration_formatted} | {eta_formatted} left`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          barsize: 24,
          etaBuffer: 50,
          hideCursor: true,
        });
        bar.start(all, done);
        current = { stage, bar };
      }
      current.bar.update(done);
      if (done >= all) end();
    },
    end,
  };
}

/** Every stage's start and end, and a sign of life with an estimate every ten seconds. */
function lines(stream: NodeJS.WriteStream): Progress {
  let current: { stage: string; started: number; said: number } | undefined;
  return {
    say: (text) => void stream.write(`${text}\n`),
    at(stage, done, all) {
      const now = performance.now();
      if (current?.stage !== stage) {
        current = { stage, started: now, said: now };
        stream.write(`${stage} ...\n`);
      }
      const spent = now - current.started;
      if (done >= all) {
        stream.write(`${stage}: done in ${(spent / 1000).toFixed(1)} s\n`);
        current = undefined;
      } else if (now - current.said > 10_000 && done > 0) {
        current.said = now;
        const left = (spent / done) * (all - done);
        stream.write(`${stage}: ${done} of ${all}, about ${Math.ceil(left / 1000)} s left\n`);
      }
    },
    end() {
      current = undefined;
    },
  };
}
