import { duration, number } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { RunRecord } from './record.ts';
import { isTuning, prunedSitesOf, stepsOf } from './steps.ts';

/** All that is needed to repeat the run, and to check that a run was this one. */
export function detailsSection(record: RunRecord): Markup {
  const { tool, host } = record;
  return html`<section id="details">
    <h2>Details</h2>
    <h3>Repeat this run</h3>
    <pre>${words(record.command)}</pre>
    <p class="note">
      The same command, data, versions and seed (${record.seed}) give the same bytes.
    </p>
    <h3>Files</h3>
    ${facts([
      ['input', html`${[record.input, ...(record.input.data ?? [])].map(file)}`],
      ...(record.output ? [['output', file(record.output)] as Fact] : []),
    ])}
    <h3>Data</h3>
    ${facts(
      record.data.map((set): Fact => [
        set.role,
        html`${set.name}, ${set.count} samples, ${set.source} ${hash(set.sha256)}`,
      ]),
    )}
    ${prunedSitesOf(record).map(
      ({ site, stop, mask }) =>
        html`<h3>Site</h3>
          ${facts([
            ['tensor', html`<code>${site.name}</code>`],
            ['units', html`${site.units}, along axis ${site.axis} of [${site.dims.join(', ')}]`],
            [
              'pruned',
              html`${stop.pruned}, for a drop of at most ${number(100 * stop.maxDrop)} percentage
              points`,
            ],
            ['mask', html`${mask}`],
          ])}`,
    )}
    <h3>Settings</h3>
    ${facts([
      ['seed', html`${record.seed}`],
      ...flatten(allSettings(record), '').map(([name, value]): Fact => [
        name,
        html`<code>${value}</code>`,
      ]),
    ])}
    <h3>Versions</h3>
    ${facts([
      [tool.name, html`${tool.version}`],
      ['ONNX Runtime', html`${tool.runtimeVersion}, ${tool.backend} backend`],
      ...(host
        ? ([
            ['Node.js', html`${host.node}`],
            [
              'machine',
              html`${host.platform}, ${host.threads} ${host.threads === 1 ? 'thread' : 'threads'}`,
            ],
            ['time', html`${timesOf(record)}`],
          ] satisfies Fact[])
        : []),
    ])}
  </section>`;
}

/** The time of the run, and of each step of the output model. */
function timesOf(record: RunRecord): string {
  const steps = stepsOf(record).map(({ by, seconds }) => `${by} ${duration(seconds)}`);
  const all = duration(record.host?.seconds ?? 0);
  return steps.length === 0 ? all : `${all}, of which ${steps.join(', ')}`;
}

type Settings = RunRecord['settings'];

/** The settings of the run, and those that each fine-tuning of the output model made of them. */
function allSettings(record: RunRecord): Settings {
  const own = stepsOf(record)
    .filter(isTuning)
    .map(({ by, data }) => [by, data.settings]);
  return { ...record.settings, ...(Object.fromEntries(own) as Settings) };
}

/** Each word in a box of its own: a line broken within an option would read as two. */
function words(command: string): Markup[] {
  return command.split(' ').map((word, i) => html`${i > 0 && ' '}<span>${word}</span>`);
}

type Fact = [name: string, value: Markup];

function facts(list: readonly Fact[]): Markup {
  return html`<dl class="facts">
    ${list.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function file({ path, sha256 }: { path: string; sha256: string }): Markup {
  return html`<code>${path}</code> ${hash(sha256)}`;
}

function hash(sha256: string): Markup {
  return html`<br /><code class="hash">sha256 ${sha256}</code>`;
}

/** Settings by dotted name, in alphabetical order, so that the order of keys does not matter. */
function flatten(settings: Settings, prefix: string): [string, string][] {
  return Object.keys(settings)
    .sort()
    .flatMap((key): [string, string][] => {
      const value = settings[key] ?? null;
      const name = prefix + key;
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
        return flatten(value, `${name}.`);
      }
      return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
    });
}
