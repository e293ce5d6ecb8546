import { drop } from '../../metrics/evaluation.ts';
import { COLORS } from '../charts/chart-parts.ts';
import { duration, number, percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { page } from '../page/page.ts';
import {
  attacksOf,
  defensesOf,
  pooled,
  seedsOf,
  type ReproducedNetwork,
  type ReproduceRecord,
} from './record.ts';
import { attackedOf, CURVES, curvesChart, unitsChart } from './charts.ts';
import { ATTACK_NAMES } from './table.ts';
import { both, dataTable, rateText, swatch } from '../page/parts.ts';
import { precisionTable, scenesFigures } from '../run/scenes-section.ts';
import { evaluationsTable } from '../run/sections.ts';

/** The record as one self-contained HTML page; the same record gives the same bytes. */
export async function renderReproduce(record: ReproduceRecord): Promise<string> {
  const seeds = seedsOf(record);
  const parts = await Promise.all(seeds.map((seed) => seedSection(record, seed)));
  const [first] = record.runs;
  const task = first?.task ?? '';
  return page(
    `${task}: attacks and defenses, ${record.tool.name} report`,
    html`${header(record, task, seeds)} ${tableSection(record)} ${parts} ${runsSection(record)}
    ${details(record)}`,
  );
}

function header(record: ReproduceRecord, task: string, seeds: readonly number[]): Markup {
  const aware = attacksOf(record).includes('pruning-aware');
  const synthetic = record.runs.some(({ source }) => source === 'synthetic');
  return html`<header>
    <p class="origin">${record.tool.name} reproduce</p>
    <h1>${task}: attacks and defenses</h1>
    ${verdicts(record).map((text) => html`<p class="verdict">${text}</p>`)}
    <p>
      Networks with a backdoor${aware && ', one of them made to survive pruning,'} against pruning,
      fine-tuning and fine-pruning (Liu, Dolan-Gavitt, Garg, RAID 2018).
      ${seeds.length === 1 ? 'Seed' : 'Seeds'} ${seeds.join(', ')}.
    </p>
    ${synthetic && html`<p class="warning">Measured on generated data, which says that the method works, not how well it does on real inputs.</p>`}
    ${record.quick && html`<p class="warning">Measured on a twentieth of the data, to see that everything runs: the numbers say nothing.</p>`}
  </header>`;
}

/** What fine-pruning does to each network, in plain words. */
function verdicts(record: ReproduceRecord): string[] {
  return attacksOf(record).flatMap((attack) => {
    const before = pooled(record, attack, 'none');
    const after = pooled(record, attack, 'fine-pruning');
    if (!before || !after) return [];
    const points = 100 * drop(before.acc, after.acc);
    const what = before.acc.map === undefined ? 'clean accuracy' : 'mean average precision';
    const cost = points > 0 ? `costs ${points.toFixed(2)} points of ${what}` : `costs no ${what}`;
    const name = ATTACK_NAMES[attack];
    if (attack === 'none') return [`Clean network: fine-pruning ${cost}.`];
    const change = `attack success goes from ${percent(before.asr.rate)} to ${percent(after.asr.rate)}`;
    return [
      `${name[0]?.toUpperCase()}${name.slice(1)}: with fine-pruning ${change}, which ${cost}.`,
    ];
  });
}

function tableSection(record: ReproduceRecord): Markup {
  return html`<section id="table">
    <h2>What is left of the attacks</h2>
    ${attacksOf(record).map((attack) => {
      const evaluations = defensesOf(record).flatMap((method) => {
        const evaluation = pooled(record, attack, method);
        const paper = record.paper?.[attack]?.[method];
        const note = paper && `in the paper ${percent(paper.acc)} / ${percent(paper.asr)}`;
        return evaluation ? [{ method, evaluation, note }] : [];
      });
      return html`<h3>${NETWORKS[attack]}</h3>
        ${evaluationsTable(evaluations)}`;
    })}
    <p class="note">
      On test data, which was used to choose nothing, all seeds counted together. In brackets the
      95% Wilson interval, then the counts.
    </p>
  </section>`;
}

const NETWORKS = {
  none: 'Clean network, on inputs with the trigger too',
  baseline: 'Baseline attack',
  'pruning-aware': 'Pruning-aware attack',
} as const;

function runsSection({ runs }: ReproduceRecord): Markup {
  return html`<section id="runs">
    <h2>Every run</h2>
    ${evaluationsTable(
      runs.map(({ seed, attack, defense, seconds, ...evaluation }) => ({
        method: defense,
        evaluation,
        note: `seed ${seed}, ${ATTACK_NAMES[attack]}, ${duration(seconds)}`,
      })),
    )}
  </section>`;
}

async function seedSection(record: ReproduceRecord, seed: number): Promise<Markup> {
  const own = record.networks.filter((network) => network.seed === seed);
  const attacked = attackedOf(own);
  const aware = attacked.some(({ attack }) => attack === 'pruning-aware');
  const parts = await Promise.all(attacked.map((network) => networkSection(record, network)));
  return html`<section id="seed-${seed}">
    <h2>Seed ${seed}: pruning, unit by unit</h2>
    <p>
      Units are pruned in ascending order of their activation on clean validation data. First go
      units that are dormant whatever the input, then those of the backdoor, then those that clean
      inputs need, where the defender
      stops.${aware && ' A pruning-aware network has its backdoor in the last.'}
    </p>
    <figure>
      <ul class="legend">
        ${swatch('clean accuracy', COLORS.accuracy, '')}${swatch('attack success', COLORS.attack, '')}${attacked.map(
          ({ attack }) => {
            const { title, dash } = CURVES[attack];
            return swatch(title, COLORS.stop, dash ? 'dashed' : '');
          },
        )}
      </ul>
      ${both(await curvesChart(attacked))}
      ${dataTable(
        ['network', 'pruned', 'validation accuracy', 'clean accuracy', 'attack success'],
        attacked.flatMap(({ attack, curve }) =>
          curve.map((point) => [
            ATTACK_NAMES[attack],
            point.pruned,
            rateText(point.validation),
            rateText(point.acc),
            rateText(point.asr),
          ]),
        ),
      )}
    </figure>
    ${parts}
  </section>`;
}

async function networkSection(
  record: ReproduceRecord,
  network: ReproducedNetwork,
): Promise<Markup> {
  const { units, whole, order, stop } = network;
  const rank = new Map(order.map((unit, i) => [unit, i + 1]));
  const decoys = units.filter(({ decoy }) => decoy).length;
  const fall = ({ silenced }: (typeof units)[number]) => whole.asr.rate - silenced.asr.rate;
  const carriers = units.filter((unit) => fall(unit) >= CARRIES).map(({ unit }) => unit);
  return html`<h3>The ${ATTACK_NAMES[network.attack]}, unit by unit</h3>
    <p>
      ${
        decoys > 0 &&
        html`${decoys} of the ${units.length} units of <code>${network.site}</code> are decoys. `
      }Pruning
      took ${stop}. ${carriersText(carriers)}
    </p>
    ${triesText(network)} ${scenesPart(record, network)}
    <figure>
      <ul class="legend">
        ${swatch('clean', COLORS.accuracy, 'block')}${swatch('triggered', COLORS.attack, 'dot')}${decoys > 0 && swatch('decoy', COLORS.shade, 'block')}
      </ul>
      ${both(await unitsChart(network))}
      ${dataTable(
        [
          'unit',
          'pruning order',
          'decoy',
          'clean',
          'triggered',
          'accuracy without it',
          'attack success without it',
          'fall of attack success',
        ],
        units.map((unit) => [
          unit.unit,
          rank.get(unit.unit) ?? '–',
          unit.decoy ? 'yes' : 'no',
          number(unit.clean),
          number(unit.triggered),
          rateText(unit.silenced.acc),
          rateText(unit.silenced.asr),
          percent(fall(unit)),
        ]),
      )}
    </figure>`;
}

/** Test scenes with what a detector finds in them, and its precision by class. */
function scenesPart(
  { runs }: ReproduceRecord,
  { attack, seed, scenes }: ReproducedNetwork,
): Markup | undefined {
  if (!scenes) return undefined;
  const own = runs.filter((run) => run.attack === attack && run.seed === seed);
  return html`<p>
      Test scenes as the network finds them, as delivered and after the defense. What is right is
      drawn with a solid line, what is wrong with a dashed one and ✗.
    </p>
    ${scenesFigures(scenes, `scene-${seed}-${attack}`)}
    ${precisionTable(
      scenes.classes,
      own.map(({ defense, ...evaluation }) => ({ method: defense, evaluation })),
    )}`;
}

function carriersText(units: readonly number[]): string {
  const least = percent(CARRIES, 0);
  if (units.length === 0) {
    return `No unit carries the backdoor by itself: without any one, attack success falls by less than ${least}.`;
  }
  const [which, they] =
    units.length === 1
      ? [`unit ${units[0]}`, 'it carries']
      : [`any of units ${units.join(', ')}`, 'they carry'];
  return `Attack success falls by at least ${least} when ${which} alone is silenced: ${they} the backdoor.`;
}

/** Fall of attack success from which on a unit is said to carry the backdoor. */
const CARRIES = 0.05;

function triesText({ tries, met }: ReproducedNetwork): Markup | undefined {
  if (!tries) return undefined;
  const list = tries.map(
    ({ pruned, acc, asr }) => `without ${pruned} units ${percent(acc.rate)} / ${percent(asr.rate)}`,
  );
  return html`<p>
    The attacker retrained ${tries.length === 1 ? 'once' : `${tries.length} times`} (clean accuracy
    / attack success on data held out):
    ${list.join('; ')}${met === false && '; less than was asked'}.
  </p>`;
}

function details({ command, tool }: ReproduceRecord): Markup {
  return html`<section id="details">
    <h2>Repeat this</h2>
    <pre>${command}</pre>
    <p class="note">
      ${tool.name} ${tool.version}, ONNX Runtime ${tool.runtimeVersion}, ${tool.backend} backend.
      The same command, data and versions give the same networks.
    </p>
  </section>`;
}
