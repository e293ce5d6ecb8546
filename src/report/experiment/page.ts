import { scoreDrop } from '../../metrics/evaluation.ts';
import { COLORS } from '../charts/chart-parts.ts';
import { duration, number, percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import { page } from '../page/page.ts';
import {
  attacksOf,
  attackTitle,
  defensesOf,
  NO_ATTACK,
  pooled,
  seedsOf,
  type ExperimentRecord,
  type NetworkRecord,
} from './record.ts';
import { attackedOf, curvesChart, dashOf, unitsChart } from './charts.ts';
import { chartMarkup, dataTable, legendItem, rateText } from '../page/parts.ts';
import { precisionTable, scenesFigures } from '../run/scenes-section.ts';
import { evaluationsTable } from '../run/sections.ts';

/** The record as one self-contained HTML page; the same record gives the same bytes. */
export async function renderExperiment(record: ExperimentRecord): Promise<string> {
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

function header(record: ExperimentRecord, task: string, seeds: readonly number[]): Markup {
  const decoys = hasDecoys(record.networks);
  const synthetic = record.runs.some(({ source }) => source === 'synthetic');
  return html`<header>
    <p class="origin">${record.tool.name} reproduce</p>
    <h1>${task}: attacks and defenses</h1>
    ${verdicts(record).map((text) => html`<p class="verdict">${text}</p>`)}
    <p>
      Networks with a backdoor${decoys && ', one of them made to survive pruning,'} against
      ${listed(defensesOf(record).slice(1))} (Liu, Dolan-Gavitt, Garg, RAID 2018).
      ${seeds.length === 1 ? 'Seed' : 'Seeds'} ${seeds.join(', ')}.
    </p>
    ${synthetic && html`<p class="warning">Measured on synthetic data: this shows that the method works, but not how well it works on real data.</p>`}
    ${record.quick && html`<p class="warning">Measured on a twentieth of the data, to check that everything runs: the results mean nothing.</p>`}
  </header>`;
}

/** What the last defense of the table does to each network, in plain words. */
function verdicts(record: ExperimentRecord): string[] {
  const defense = defensesOf(record).at(-1) ?? '';
  return attacksOf(record).flatMap((attack) => {
    const before = pooled(record, attack, 'none');
    const after = pooled(record, attack, defense);
    if (!before || !after || defense === 'none') return [];
    const points = 100 * scoreDrop(before.acc, after.acc);
    const what = before.acc.map === undefined ? 'clean accuracy' : 'mean average precision';
    const cost = points > 0 ? `costs ${points.toFixed(2)} points of ${what}` : `costs no ${what}`;
    if (attack === NO_ATTACK) return [`Clean network: ${defense} ${cost}.`];
    const change = `attack success goes from ${percent(before.asr.rate)} to ${percent(after.asr.rate)}`;
    return [`${capitalized(attackTitle(attack))}: with ${defense} ${change}, which ${cost}.`];
  });
}

function hasDecoys(networks: readonly NetworkRecord[]): boolean {
  return networks.some(({ units }) => units.some(({ decoy }) => decoy));
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** 'pruning, fine-tuning and fine-pruning'. */
function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function tableSection(record: ExperimentRecord): Markup {
  return html`<section id="table">
    <h2>What is left of the attacks</h2>
    ${attacksOf(record).map((attack) => {
      const evaluations = defensesOf(record).flatMap((method) => {
        const evaluation = pooled(record, attack, method);
        const paper = record.paper?.[attack]?.[method];
        const note = paper && `in the paper ${percent(paper.acc)} / ${percent(paper.asr)}`;
        return evaluation ? [{ method, evaluation, note }] : [];
      });
      return html`<h3>${attack === NO_ATTACK ? CLEAN : capitalized(attackTitle(attack))}</h3>
        ${evaluationsTable(evaluations)}`;
    })}
    <p class="note">
      On test data, which choose nothing, all seeds together. The 95% Wilson interval is in
      brackets, then the counts.
    </p>
  </section>`;
}

const CLEAN = 'Clean network, on inputs with the trigger too';

function runsSection({ runs }: ExperimentRecord): Markup {
  return html`<section id="runs">
    <h2>Every run</h2>
    ${evaluationsTable(
      runs.map(({ seed, attack, defense, seconds, ...evaluation }) => ({
        method: defense,
        evaluation,
        note: `seed ${seed}, ${attackTitle(attack)}, ${duration(seconds)}`,
      })),
    )}
  </section>`;
}

async function seedSection(record: ExperimentRecord, seed: number): Promise<Markup> {
  const own = record.networks.filter((network) => network.seed === seed);
  const attacked = attackedOf(own);
  const decoys = hasDecoys(attacked);
  const parts = await Promise.all(attacked.map((network) => networkSection(record, network)));
  return html`<section id="seed-${seed}">
    <h2>Seed ${seed}: pruning, unit by unit</h2>
    <p>
      Units are pruned in ascending order of their activation on clean validation data: first the
      units that are dormant for every input, then those of the backdoor, then those that clean
      inputs need, where the defender
      stops.${decoys && ' A pruning-aware network has its backdoor in the last group.'}
    </p>
    <figure>
      <ul class="legend">
        ${legendItem('clean accuracy', COLORS.accuracy, '')}${legendItem('attack success', COLORS.attack, '')}${attacked.map(
          ({ attack }, index) =>
            legendItem(attackTitle(attack), COLORS.stop, dashOf(index) ? 'dashed' : ''),
        )}
      </ul>
      ${chartMarkup(await curvesChart(attacked))}
      ${dataTable(
        ['network', 'pruned', 'validation accuracy', 'clean accuracy', 'attack success'],
        attacked.flatMap(({ attack, curve }) =>
          curve.map((point) => [
            attackTitle(attack),
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

async function networkSection(record: ExperimentRecord, network: NetworkRecord): Promise<Markup> {
  const { units, intact, order, stop } = network;
  const rank = new Map(order.map((unit, i) => [unit, i + 1]));
  const decoys = units.filter(({ decoy }) => decoy).length;
  const fall = ({ ablated }: (typeof units)[number]) => intact.asr.rate - ablated.asr.rate;
  const carriers = units.filter((unit) => fall(unit) >= CARRIES).map(({ unit }) => unit);
  return html`<h3>The ${attackTitle(network.attack)}, unit by unit</h3>
    <p>
      ${
        decoys > 0 &&
        html`${decoys} of the ${units.length} units of <code>${network.site}</code> are decoys. `
      }The
      pruning defense prunes ${stop}. ${carriersText(carriers)}
    </p>
    ${retrainingsText(network)} ${scenesPart(record, network)}
    <figure>
      <ul class="legend">
        ${legendItem('clean', COLORS.accuracy, 'block')}${legendItem('triggered', COLORS.attack, 'dot')}${decoys > 0 && legendItem('decoy', COLORS.shade, 'block')}
      </ul>
      ${chartMarkup(await unitsChart(network))}
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
          rateText(unit.ablated.acc),
          rateText(unit.ablated.asr),
          percent(fall(unit)),
        ]),
      )}
    </figure>`;
}

/** Test scenes with the detections of a network, and its precision by class. */
function scenesPart(
  { runs }: ExperimentRecord,
  { attack, seed, scenes }: NetworkRecord,
): Markup | undefined {
  if (!scenes) return undefined;
  const own = runs.filter((run) => run.attack === attack && run.seed === seed);
  return html`<p>
      Detections in test scenes, before and after the defense. Right ones have a solid line, wrong
      ones a dashed line and ✗.
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
    return `No single unit carries the backdoor: without any one, attack success falls by less than ${least}.`;
  }
  const [which, they] =
    units.length === 1
      ? [`unit ${units[0]}`, 'it carries']
      : [`any of units ${units.join(', ')}`, 'they carry'];
  return `Without ${which} alone, attack success falls by at least ${least}: ${they} the backdoor.`;
}

/** The smallest fall of attack success without a unit that carries the backdoor. */
const CARRIES = 0.05;

function retrainingsText({ retrainings, reached }: NetworkRecord): Markup | undefined {
  if (!retrainings) return undefined;
  const list = retrainings.map(
    ({ pruned, acc, asr }) => `without ${pruned} units ${percent(acc.rate)} / ${percent(asr.rate)}`,
  );
  const times = retrainings.length === 1 ? 'once' : `${retrainings.length} times`;
  return html`<p>
    The attacker retrained ${times} (clean accuracy / attack success on the attacker's holdout):
    ${list.join('; ')}${reached === false && '; less than was asked'}.
  </p>`;
}

function details({ command, tool }: ExperimentRecord): Markup {
  return html`<section id="details">
    <h2>Repeat this</h2>
    <pre>${command}</pre>
    <p class="note">
      ${tool.name} ${tool.version}, ONNX Runtime ${tool.runtimeVersion}, ${tool.backend} backend.
      The same command, data and versions give the same networks.
    </p>
  </section>`;
}
