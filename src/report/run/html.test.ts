import { parseHTML } from 'linkedom';
import { beforeAll, expect, test } from 'vitest';
import { rate } from '../../metrics/interval.ts';
import { fixture, prunedSite } from '../../../test/helpers/report.ts';
import { renderReport } from './html.ts';
import type { PrunedSite, Step } from '../../defense/index.ts';
import { parseRecord, runRecord, type RunRecord } from './record.ts';

let page = '';
beforeAll(async () => {
  page = await renderReport(fixture);
});

/** The text of a section, found without an HTML parser, which would accept broken markup. */
function section(id: string, of = page): string {
  return of.split(`<section id="${id}">`)[1]?.split('</section>')[0] ?? '';
}

function circles(svgText: string, name: string): { x: number; y: number }[] {
  const group = svgText.match(new RegExp(`<g[^>]*class="${name}"[^>]*>(.*?)</g>`))?.[1] ?? '';
  return [...group.matchAll(/<circle[^>]*>/g)].map(([circle]) => ({
    x: Number(circle.match(/cx="([^"]*)"/)?.[1]),
    y: Number(circle.match(/cy="([^"]*)"/)?.[1]),
  }));
}

function rows(id: string): number {
  const table = section(id).split('<details>')[1] ?? '';
  return [...table.matchAll(/<tr>/g)].length - 1;
}

const charts = (text: string) => [...text.matchAll(/<svg.*?<\/svg>/gs)].map(([svg]) => svg);

test('the verdict comes first, then every section in order', () => {
  const marks = ['<h1 class="repaired">Repaired</h1>', 'The network carried a backdoor'].concat(
    [
      'evaluations',
      'examples',
      'confusions',
      'curve',
      'activations',
      'reach',
      'training',
      'structure',
      'details',
    ].map((id) => `id="${id}"`),
  );
  const places = marks.map((mark) => page.indexOf(mark));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

test('each evaluation shows its rate, interval and count', () => {
  const text = section('evaluations');
  for (const expected of ['99.15%', '[99.0, 99.3]', '9915/10000', '0.29%', '26/9020']) {
    expect(text).toContain(expected);
  }
});

test('the curve has a point for each entry, at its share and rate', () => {
  for (const svg of charts(section('curve'))) {
    for (const key of ['validation', 'acc', 'asr'] as const) {
      const points = circles(svg, `point-${key}`);
      expect(points).toHaveLength(prunedSite.curve.length);
      // Both axes are linear, so any two points give the place of every other.
      const [a, b] = [points[0]!, points.at(-1)!];
      const [p, q] = [prunedSite.curve[0]!, prunedSite.curve.at(-1)!];
      prunedSite.curve.forEach((entry, i) => {
        const along = (entry.pruned - p.pruned) / (q.pruned - p.pruned);
        const up = (entry[key]!.rate - p[key]!.rate) / (q[key]!.rate - p[key]!.rate);
        expect(points[i]!.x).toBeCloseTo(a.x + along * (b.x - a.x), 1);
        expect(points[i]!.y).toBeCloseTo(a.y + up * (b.y - a.y), 1);
      });
    }
  }
});

test('the stopping point is marked where it lies', () => {
  const found = charts(section('curve'));
  expect(found).toHaveLength(2);
  for (const svg of found) {
    expect(svg).toContain('stop: 46 of 60 units');
    const line = svg.match(/<g[^>]*class="stop"[^>]*>.*?<line([^>]*)>/)![1]!;
    const x = Number(line.match(/x1="([^"]*)"/)![1]);
    expect(x).toBeCloseTo(circles(svg, 'point-acc')[46]!.x, 1);
  }
});

test('every unit is in the chart of activations, and the pruned ones are shaded', () => {
  for (const svg of charts(section('activations'))) {
    expect(circles(svg, 'triggered')).toHaveLength(60);
    const shades = svg.match(/<g[^>]*class="pruned"[^>]*>(.*?)<\/g>/)![1]!;
    const bars = svg.match(/<g[^>]*class="clean"[^>]*>(.*?)<\/g>/)![1]!;
    // A unit with no activation at all has a bar of no height.
    expect([...bars.matchAll(/<rect/g)]).toHaveLength(60);
    const widths = [...shades.matchAll(/width="([^"]*)"/g)].map(([, width]) => Number(width));
    const whole = Number(svg.match(/viewBox="0 0 (\d+)/)![1]) - 44 - 16;
    expect(widths.reduce((sum, width) => sum + width, 0)).toBeCloseTo((whole * 46) / 60, 0);
  }
});

test('every chart has a text alternative and a table of its data', () => {
  const all = charts(page);
  expect(all).toHaveLength(8);
  for (const svg of all) {
    const tag = svg.slice(0, svg.indexOf('>'));
    expect(tag).toContain('role="img"');
    expect(tag).toMatch(/aria-label="[^"]{20,}"/);
  }
  expect(['curve', 'activations', 'reach', 'training'].map(rows)).toEqual([60, 60, 60, 10]);
});

test('wrong predictions are marked', () => {
  const text = section('examples');
  expect([...text.matchAll(/class="wrong"/g)]).toHaveLength(7);
  expect([...text.matchAll(/src="data:image\/png;base64,/g)]).toHaveLength(12);
});

test('the same record gives the same bytes', async () => {
  expect(await renderReport(structuredClone(fixture))).toBe(page);
  const settings = Object.fromEntries(Object.entries(fixture.settings).reverse());
  expect(await renderReport({ ...fixture, settings })).toBe(page);
});

test('the page makes no requests and runs no scripts', () => {
  expect(page).not.toMatch(/<(script|link|iframe|object|embed)\b/i);
  expect(page).not.toMatch(/\b(src|href)="(?!data:)/);
  expect(page).not.toMatch(/url\(|@import/);
  expect(page).toContain("default-src 'none'");
});

test('no text of a record becomes markup', async () => {
  let index = 0;
  const hostile = () => `"'><img src=x onerror=alert(${index++})>&\u202E\u0000`;
  const fixed =
    /^(native|wasm|real|synthetic|train|validation|test|triggered|producer|pruning|tuning|loss|accuracy|[0-9a-f]{64}|data:.*)$/;
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') return key !== 'label' && fixed.test(value) ? value : hostile();
    if (Array.isArray(value)) return value.map((entry) => poison(entry));
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([k, v]) => [
      key === 'settings' ? hostile() : k,
      poison(v, k),
    ]);
    return Object.fromEntries(entries) as unknown;
  };
  const record = parseRecord(poison(fixture));
  const text = await renderReport(record);
  expect(index).toBeGreaterThan(30);
  expect(text).not.toContain('<img src=x');
  expect(text).not.toContain('\u202E');
  expect(text).not.toContain('\0');
  // A parser that is not ours agrees: no element or attribute came from the record.
  const { document } = parseHTML(text);
  const all = [...document.querySelectorAll('*')];
  expect(all.filter((element) => element.hasAttribute('onerror'))).toEqual([]);
  expect(all.length).toBeGreaterThan(500);
  expect(document.querySelector('h1')?.textContent).toBe('Repaired');
  expect(document.querySelector('.verdict')?.textContent).toContain('"\'><img src=x onerror=');
});

/** The record with other sites pruned in its output model. */
function withSites(...sites: PrunedSite[]): RunRecord {
  const outcomes = fixture.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map((step) =>
      step.kind === 'pruning' ? { ...step, data: { sites } } : step,
    ),
  }));
  return parseRecord({ ...fixture, outcomes });
}

function without(record: RunRecord, ...keys: (keyof RunRecord)[]): RunRecord {
  return parseRecord(
    Object.fromEntries(Object.entries(record).filter(([key]) => !(keys as string[]).includes(key))),
  );
}

test('a run without triggered data, training or examples has no empty sections', async () => {
  const site = {
    ...prunedSite,
    profile: { clean: prunedSite.profile.clean },
    curve: prunedSite.curve.map(({ pruned, unit, validation }) => ({ pruned, unit, validation })),
  };
  const evaluation = { acc: rate(9, 10), asr: rate(0, 0) };
  const steps = withSites(site).outcomes[1]?.steps ?? [];
  const bare: RunRecord = {
    ...without(fixture, 'host', 'output', 'reach', 'confusions', 'layers'),
    outcomes: [
      { method: 'none', evaluation, steps: [] },
      { method: 'pruning', steps },
    ],
    examples: [],
    verdict: { repaired: null, text: 'No triggered data was given.' },
  };
  const text = await renderReport(bare);
  expect(text).toContain('No verdict');
  const absent = ['training', 'examples', 'reach', 'confusions', 'structure'];
  expect(absent.map((id) => section(id, text)).join('')).toBe('');
  expect(text).not.toMatch(/undefined|NaN|null/);
  expect(section('curve', text)).not.toContain('attack success');
  expect(section('evaluations', text)).not.toContain('0/0');
});

test('units that any kind of step pruned are counted, those of one site once', async () => {
  const [none, pruning, last] = fixture.outcomes;
  const step = { by: 'clp', summary: 'pruned channels', seconds: 1, data: {} };
  const channels = { ...step, kind: 'pruned-channels' };
  const counted = async (...pruned: NonNullable<Step['pruned']>[]) => {
    const steps = pruned.map((sites) => ({ ...channels, pruned: sites }));
    const record = { ...fixture, outcomes: [none!, pruning!, { ...last!, steps }] };
    const text = await renderReport(parseRecord(record));
    const [, figure] = /Units pruned<\/dt>\s*<dd>(.*)<\/dd>/.exec(text) ?? [];
    return figure?.replaceAll(/<[^>]*>/g, '');
  };
  const [one, two] = [
    { site: 'conv1', axis: 1, of: 10, units: [1, 4] },
    { site: 'conv2', axis: 1, of: 20, units: [0] },
  ];
  expect(await counted([one, two])).toBe('3 of 30');
  expect(await counted([one, two], [{ ...one, units: [4, 5] }])).toBe('4 of 30');
  expect(await counted()).toBeUndefined();
});

test('without test data, the rates are those of the holdout, and the page says so', async () => {
  const curve = prunedSite.curve.map(({ pruned, unit, validation }) => ({
    pruned,
    unit,
    validation,
  }));
  const { outcomes } = withSites({ ...prunedSite, curve });
  const text = await renderReport({
    ...fixture,
    outcomes: outcomes.map(({ method, steps }) => ({ method, steps })),
    confusions: [],
    examples: [],
  });
  expect(section('evaluations', text)).toContain('No test data was given');
  expect(section('evaluations', text)).toContain('396/400');
  expect(section('curve', text)).not.toContain('rates on test data');
});

test('the phases of the curve are marked and explained', () => {
  const text = section('curve');
  expect(text).toMatch(/<li value="1">\s*0 to 34 units: neither clean inputs nor the backdoor/);
  expect(text).toMatch(
    /<li value="2">\s*34 to 46 units: attack success falls from 99\.8% to 6\.1%/,
  );
  expect(text).toMatch(/<li value="3">\s*After 46 units: clean inputs need/);
  for (const svg of charts(text)) {
    expect(svg.match(/class="phase-number"[^>]*>(.*?)<\/g>/)?.[1]?.match(/<text/g)).toHaveLength(3);
  }
});

test('samples that are no images are listed without pictures', async () => {
  const pictures = { image: undefined, triggeredImage: undefined };
  const bare = fixture.examples.map((example) => ({ ...example, ...pictures }));
  const text = section('examples', await renderReport(parseRecord({ ...fixture, examples: bare })));
  expect(text).not.toContain('<img');
  expect([...text.matchAll(/class="wrong"/g)]).toHaveLength(7);
});

test('the section on training names the rate, the epoch kept and every retry', () => {
  const text = section('training');
  expect(text).toContain('the learning rate 0.0035 was found by a range test');
  expect(text).toContain('began to rise at 0.0089');
  expect(text).toContain(
    'epoch 9 of 10 was kept, the latest one whose validation accuracy is within one standard error',
  );
  expect(text).toContain('in epoch 2 at 0.014 the loss rose to 4.25');
  expect(text).toContain('at 0.0035 the loss was not finite');
});

test('where the settings keep the last epoch, the page says so', async () => {
  const outcomes = fixture.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map((step) =>
      step.kind === 'tuning'
        ? { ...step, data: { ...(step.data as object), settings: { keep: 'last' } } }
        : step,
    ),
  }));
  const text = section('training', await renderReport(parseRecord({ ...fixture, outcomes })));
  expect(text).toContain('of 10 was kept, the last one, as the settings say');
  expect(text).not.toContain('standard error');
});

test('the site is marked in the network, and units out of reach are counted', () => {
  expect(section('structure')).toMatch(/class="site".*\/conv2\/Relu.*pruned here/s);
  expect(section('structure')).toContain('9610 (not trained)');
  const none = fixture.reach?.[0]?.gradient.filter((size) => size === 0).length ?? 0;
  expect(none).toBeGreaterThan(3);
  expect(section('reach')).toContain(`${none} of 60 units have none`);
});

test('a run that pruned nothing is drawn', async () => {
  const curve = prunedSite.curve.slice(0, 1);
  const text = await renderReport({
    ...withSites({ ...prunedSite, curve, stop: { ...prunedSite.stop, pruned: 0 } }),
    verdict: { repaired: false, text: 'The backdoor is still there.' },
  });
  expect(text).toContain('Not repaired');
  expect(text).not.toMatch(/undefined|NaN/);
});

test('a warning at the top names generated data', async () => {
  expect(page).not.toContain('generated data');
  const data = fixture.data.map((set) => ({ ...set, source: 'synthetic' as const }));
  const text = await renderReport({ ...fixture, data });
  expect(text.split('</header>')[0]).toContain('generated data');
});

test('a site of thousands of units is drawn in outline, in a page of bounded size', async () => {
  const units = 4096;
  const clean = Array.from({ length: units }, (_, unit) => (unit % 97) / 97);
  const site = {
    ...prunedSite,
    site: { ...prunedSite.site, units },
    profile: { clean, triggered: clean },
    order: Array.from({ length: units }, (_, unit) => unit),
  };
  const reach = [{ site: site.site.name, gradient: clean }];
  const text = await renderReport({ ...withSites(site), reach });
  expect(section('activations', text)).not.toContain('<rect x');
  expect(text.length).toBeLessThan(2_500_000);
});

test('the labels of a scale of tiny activations keep their digits', async () => {
  const clean = prunedSite.profile.clean.map((value) => value / 50_000);
  const record = withSites({ ...prunedSite, profile: { clean } });
  const text = section('activations', await renderReport(record));
  const labels = [...text.matchAll(/<text[^>]*>([\d.]+(?:e-\d+)?)<\/text>/g)].map(([, t]) =>
    Number(t),
  );
  expect(labels.filter((label) => label > 0 && label < 1e-4).length).toBeGreaterThan(2);
});

/** A step of a kind that the report does not know. */
const clipping: Step = {
  kind: 'clipping',
  by: 'activation-clipping',
  summary: '3 activations were bounded <b>',
  seconds: 1,
  data: {
    bounds: { relu1: 0.5, relu2: Array.from({ length: 40 }, (_, i) => i) },
    layers: [{ name: 'fc', clipped: null }],
    fast: true,
  },
};

/** The record with these steps of its output model. */
function withSteps(...steps: Step[]): RunRecord {
  const outcomes = [...fixture.outcomes.slice(0, -1), { method: 'toy', steps }];
  return parseRecord({ ...fixture, outcomes });
}

const stepOf = (kind: string) =>
  fixture.outcomes.at(-1)?.steps.find((step) => step.kind === kind) as Step;

test('a step of an unknown kind shows its summary, and its data as a table', async () => {
  const record = withSteps(clipping);
  expect(record.outcomes.at(-1)?.steps).toEqual([clipping]);
  const { document } = parseHTML(await renderReport(record));
  const step = document.querySelector('section.step');
  expect(step?.querySelector('h2')?.textContent).toBe('activation-clipping: clipping');
  expect([...(step?.querySelectorAll('p') ?? [])].map((p) => p.textContent)).toEqual([
    '3 activations were bounded <b>.',
  ]);
  const cells = [...(step?.querySelectorAll('tbody tr') ?? [])].map((row) =>
    [...row.querySelectorAll('td')].map((cell) => cell.textContent),
  );
  expect(cells).toEqual([
    ['bounds.relu1', '0.5'],
    ['bounds.relu2', `${Array.from({ length: 20 }, (_, i) => i).join(', ')}, ... (40 in all)`],
    ['layers.0.name', 'fc'],
    ['layers.0.clipped', 'null'],
    ['fast', 'true'],
  ]);
});

test('a step that failed says why', async () => {
  const failed = { ...clipping, failed: 'accuracy fell too far' };
  const text = await renderReport(withSteps(failed));
  expect(text).toContain('<p>Accuracy fell too far.</p>');
});

test('data that are no JSON are refused in a step of any kind', () => {
  expect(() => withSteps({ ...clipping, data: { bound: Number.NaN } })).toThrow(
    /expected plain JSON/,
  );
  expect(() => withSteps({ ...clipping, data: { bound: () => 1 } })).toThrow(/expected plain JSON/);
});

test('steps are shown in their order, the fine-tunings in one section, with unique ids', async () => {
  const [pruning, tuning] = [stepOf('pruning'), stepOf('tuning')];
  const text = await renderReport(
    withSteps(tuning, clipping, pruning, structuredClone(pruning), structuredClone(tuning)),
  );
  const { document } = parseHTML(text);
  const ids = [...document.querySelectorAll('section')].map(({ id, className }) => id || className);
  const own = ids.slice(ids.indexOf('training'), ids.indexOf('structure'));
  expect(own).toEqual([
    'training',
    'step',
    'curve',
    'activations',
    'reach',
    'curve-2',
    'activations-2',
    'reach-2',
  ]);
  const names = [...document.querySelectorAll('#training .legend li')].map((li) => li.textContent);
  expect(names).toEqual(['toy, step 1', 'toy, step 2']);
});

test('fine-tunings of other methods are shown where the method itself does not fine-tune', async () => {
  const outcomes = [...fixture.outcomes, { method: 'pruning', steps: [stepOf('pruning')] }];
  const { document } = parseHTML(await renderReport(parseRecord({ ...fixture, outcomes })));
  const names = [...document.querySelectorAll('#training .legend li')].map((li) => li.textContent);
  expect(names).toEqual(['fine-pruning']);
});

test('the fixture is a record', () => {
  expect(runRecord.safeParse(fixture).error).toBeUndefined();
});
