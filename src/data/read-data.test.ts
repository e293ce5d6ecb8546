import { zipSync } from 'fflate';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dump } from 'npyjs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sizeOf } from '../onnx/index.ts';
import { arrayDataset, checkLabeled, type Dataset } from './dataset.ts';
import { readData, type ReadOptions } from './read-data.ts';
import { preset, preprocessFrom } from './images/preprocess.ts';
import { encodeWav } from './audio/wav.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-data-'))));
afterAll(() => rm(folder, { recursive: true }));

/** Writes files below a new folder, and gives its path. */
async function tree(name: string, files: Readonly<Record<string, string | Uint8Array>>) {
  const root = join(folder, name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

type Kind = 'png' | 'jpeg' | 'webp';

/** An image file of one color. */
const image = (kind: Kind, color: readonly [number, number, number], [width, height] = [4, 4]) => {
  const [r, g, b] = color;
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .toFormat(kind, { quality: 100, lossless: true })
    .toBuffer();
};

const gray = (value: number, [width, height] = [4, 4]) =>
  sharp(Buffer.alloc(width * height, value), { raw: { width, height, channels: 1 } })
    .toColorspace('b-w')
    .png()
    .toBuffer();

const ppm = (width: number, height: number, ...pixels: number[]) =>
  Buffer.concat([
    Buffer.from(`P6\n# made by hand\n${width} ${height}\n255\n`),
    Buffer.from(pixels),
  ]);

const RGB = { dims: [3, 4, 4], layout: 'NCHW' } as const;
const GRAY = { dims: [1, 4, 4], layout: 'NCHW' } as const;

async function all(dataset: Dataset): Promise<number[][]> {
  const size = sizeOf(dataset.sample);
  const x = new Float32Array(dataset.length * size);
  await dataset.read([...dataset.labels.keys()], x);
  return Array.from({ length: dataset.length }, (_, i) => [
    ...x.subarray(i * size, (i + 1) * size),
  ]);
}

/** The data, where they are of one part. */
async function whole(from: string, options: ReadOptions): Promise<Dataset> {
  const { parts } = await readData(from, options);
  expect(Object.keys(parts)).toEqual(['whole']);
  return parts.whole as Dataset;
}

/** The color of the first pixel of each sample, in bytes. */
async function colors(dataset: Dataset): Promise<number[][]> {
  const { sample, pictures } = dataset;
  expect(pictures).toBeDefined();
  return (await all(dataset)).map((values) => {
    const picture = pictures?.decode(Float32Array.from(values)) ?? new Float32Array();
    const area = picture.length / (pictures?.dims[0] ?? 1);
    expect(sizeOf(sample)).toBe(picture.length);
    return Array.from({ length: picture.length / area }, (_, c) =>
      Math.round(255 * (picture[c * area] as number)),
    );
  });
}

describe('a folder with a folder for each class', () => {
  test('PNG, WebP, JPEG and PPM, in color and gray, with other files left alone', async () => {
    const root = await tree('images', {
      'cat/1.png': await image('png', [10, 20, 30]),
      'cat/2.webp': await image('webp', [40, 50, 60]),
      'cat/deeper/3.ppm': ppm(1, 1, 70, 80, 90),
      'dog/4.JPG': await image('jpeg', [200, 200, 200]),
      'dog/5.png': await gray(99),
      'dog/6.pgm': 'P2\n2 1\n15\n15 0\n',
      'dog/.DS_Store': 'litter',
      'dog/Thumbs.db': 'litter',
    });
    const dataset = await whole(root, {
      input: RGB,
      outputs: 2,
      preprocess: { ...preset('0-1'), resize: 'nearest' },
    });
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect([...dataset.labels]).toEqual([0, 0, 0, 1, 1, 1]);
    expect(dataset.sample).toEqual([3, 4, 4]);
    expect(await colors(dataset)).toEqual([
      [10, 20, 30],
      [40, 50, 60],
      [70, 80, 90],
      [200, 200, 200],
      [99, 99, 99],
      [255, 255, 255],
    ]);
    const inGray = await whole(root, { input: GRAY, outputs: 2 });
    expect((await colors(inGray)).slice(0, 2)).toEqual([[18], [48]]);
  });

  test('16 bits become 8, and transparency is left out', async () => {
    const pixels = Uint16Array.from({ length: 16 }, () => 0x8080);
    const deep = await sharp(pixels, { raw: { width: 4, height: 4, channels: 1 } })
      .toColorspace('grey16')
      .png()
      .toBuffer();
    const clear = await sharp({
      create: { width: 4, height: 4, channels: 4, background: { r: 9, g: 8, b: 7, alpha: 0.5 } },
    })
      .png()
      .toBuffer();
    const root = await tree('deep', { 'a/1.png': deep, 'b/2.png': clear });
    expect(await colors(await whole(root, { input: RGB }))).toEqual([
      [128, 128, 128],
      [9, 8, 7],
    ]);
  });

  test('the layout, size and channels are the model’s', async () => {
    const root = await tree('sizes', { 'a/1.png': await image('png', [255, 0, 51], [9, 5]) });
    const input = { dims: [2, 3, 3], layout: 'NHWC' } as const;
    const dataset = await whole(root, { input, preprocess: preset('-1-1') });
    const pixel = [1, -1, Math.fround((51 / 255 - 0.5) / 0.5)];
    expect(await all(dataset)).toEqual([Array.from({ length: 6 }, () => pixel).flat()]);
    // A model of any size takes that of the first picture.
    const any = { dims: [3, null, null], layout: 'NCHW' } as const;
    expect((await whole(root, { input: any })).sample).toEqual([3, 5, 9]);
    // A flat one takes its pixels, channels last.
    const flat = await whole(root, { input: { dims: [135], layout: 'NCHW' } });
    expect((await all(flat))[0]?.slice(0, 3)).toEqual([1, 0, Math.fround(0.2)]);
  });

  test('a crop cuts the middle out of what is resized by its shorter side', async () => {
    // Left half black, right half white, 8 x 4: the middle 4 x 4 has both halves, unsqueezed.
    const half = ppm(8, 4, ...Array.from({ length: 96 }, (_, i) => ((i / 3) % 8 >= 4 ? 255 : 0)));
    const root = await tree('crop', { 'a/1.ppm': half });
    const preprocess = preprocessFrom({ crop: 4, resize: 'nearest' }, 'test');
    const [values] = await all(await whole(root, { input: GRAY, preprocess }));
    expect(values).toEqual(Array.from({ length: 4 }, () => [0, 0, 1, 1]).flat());
    const squeezed = await all(
      await whole(root, { input: GRAY, preprocess: { ...preprocess, crop: null } }),
    );
    expect(squeezed[0]).toEqual(values);
    const wide = await all(
      await whole(root, { input: { dims: [1, 4, 2], layout: 'NCHW' }, preprocess }),
    );
    expect(wide[0]).toEqual(Array.from({ length: 4 }, () => [0, 1]).flat());
  });

  test('parts are found by name, and share their classes', async () => {
    const one = await gray(1);
    const root = await tree('parts', {
      'train/b/1.png': one,
      'val/a/1.png': one,
      'test/c/1.png': one,
      'test/c/2.png': one,
    });
    const { parts } = await readData(root, { input: GRAY, outputs: 3 });
    expect(Object.entries(parts).map(([part, { labels }]) => [part, [...labels]])).toEqual([
      ['test', [2, 2]],
      ['train', [1]],
      ['validation', [0]],
    ]);
    const test = await readData(root, { input: GRAY, parts: () => ['test'] });
    expect(Object.keys(test.parts)).toEqual(['test']);
  });
});

describe('names of classes', () => {
  test('numbers are numbers, however written, and need not all be there', async () => {
    const one = await gray(1);
    const root = await tree('numbers', { '2/a.png': one, '10/a.png': one, '007/a.png': one });
    const dataset = await whole(root, { input: GRAY, outputs: 12 });
    expect([...dataset.labels]).toEqual([7, 10, 2]);
    expect(dataset.classes).toHaveLength(12);
  });

  test('a labels.txt in the folder, or one that is named, says the order', async () => {
    const one = await gray(1);
    const files = { 'a/1.png': one, 'b/1.png': one };
    const root = await tree('listed', { ...files, 'labels.txt': 'b\r\nnever\r\na\r\n\r\n' });
    const dataset = await whole(root, { input: GRAY, outputs: 3 });
    expect(dataset.classes).toEqual(['b', 'never', 'a']);
    expect([...dataset.labels]).toEqual([2, 0]);
    const other = await tree('list', { 'names.txt': 'a\nb\n' });
    const again = await whole(root, { input: GRAY, labels: join(other, 'names.txt') });
    expect([...again.labels]).toEqual([0, 1]);
  });
});

describe('arrays', () => {
  const y = dump(BigInt64Array.of(1n, 0n), [2]);
  const npz = (x: ArrayBuffer, labels = y) =>
    zipSync({ 'x.npy': new Uint8Array(x), 'y.npy': new Uint8Array(labels) });
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => i);

  test('bytes are pictures, channels first or last, in .npz or a pair of .npy', async () => {
    const last = await tree('last', { 'd.npz': npz(dump(bytes, [2, 2, 2, 3])) });
    const input = { dims: [3, 2, 2], layout: 'NCHW' } as const;
    const dataset = await whole(join(last, 'd.npz'), { input, preprocess: preset('0-255') });
    expect([...dataset.labels]).toEqual([1, 0]);
    expect((await all(dataset))[0]).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    const first = await tree('first', {
      'x.npy': new Uint8Array(dump(bytes, [2, 3, 2, 2])),
      'y.npy': new Uint8Array(y),
    });
    const planes = await whole(first, { input, preprocess: preset('0-255') });
    expect((await all(planes))[0]).toEqual(Array.from(bytes.subarray(0, 12)));
  });

  test('floats are taken as they are, turned to the model’s layout', async () => {
    const x = Float32Array.from(bytes, (v) => v - 7.5);
    const root = await tree('floats', { 'd.npz': npz(dump(x, [2, 2, 2, 3])) });
    const read = async (dims: number[], layout: 'NCHW' | 'NHWC') =>
      (await all(await whole(join(root, 'd.npz'), { input: { dims, layout } })))[0];
    expect(await read([2, 2, 3], 'NHWC')).toEqual(Array.from(x.subarray(0, 12)));
    expect(await read([3, 2, 2], 'NCHW')).toEqual(
      [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map((v) => v - 7.5),
    );
  });

  test('Fortran order is turned, and one-hot labels are read', async () => {
    // numpy.asfortranarray([[1, 2, 3], [4, 5, 6]]) has 1 4 2 5 3 6 in memory.
    const x = new Uint8Array(dump(Float64Array.of(1, 4, 2, 5, 3, 6), [2, 3]));
    const text = Buffer.from(x)
      .toString('latin1')
      .replace("'fortran_order':False", "'fortran_order':True ");
    const hot = dump(Uint8Array.of(0, 1, 1, 0), [2, 2]);
    const root = await tree('fortran', {
      'test_x.npy': Buffer.from(text, 'latin1'),
      'test_y.npy': new Uint8Array(hot),
    });
    const dataset = await whole(join(root, 'test_x.npy'), { input: { dims: [3], layout: 'NCHW' } });
    expect(await all(dataset)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([...dataset.labels]).toEqual([1, 0]);
  });
});

describe('tables', () => {
  test('a path and a label a line, from the table’s own folder', async () => {
    const root = await tree('table', {
      'in/1.png': await gray(11),
      'in/2.png': await gray(22),
      'a.csv': 'label,path\ndog,"in/2.png"\ncat,in/1.png\n',
      'bare.csv': 'in/2.png,dog\nin/1.png,cat\n',
      'a.jsonl': '{"path": "in/2.png", "label": "dog"}\n\n{"path": "in/1.png", "label": "cat"}\n',
    });
    for (const name of ['a.csv', 'bare.csv', 'a.jsonl']) {
      const dataset = await whole(join(root, name), { input: GRAY, outputs: 2 });
      expect([...dataset.labels]).toEqual([1, 0]);
      expect(await colors(dataset)).toEqual([[22], [11]]);
    }
  });

  test('numbers are the sample itself', async () => {
    const root = await tree('numbers-table', {
      'iris.csv': 'a,b,species\n5.1,-3,setosa\n1e1,0.5,virginica\n'.replace('species', 'class'),
      'x.jsonl': '{"x": [5.1, -3], "label": 0}\n{"x": [10, 0.5], "label": 1}\n',
    });
    for (const name of ['iris.csv', 'x.jsonl']) {
      const dataset = await whole(join(root, name), { input: { dims: [2], layout: 'NCHW' } });
      expect(await all(dataset)).toEqual([
        [Math.fround(5.1), -3],
        [10, 0.5],
      ]);
      expect([...dataset.labels]).toEqual([0, 1]);
    }
  });
});

/** A sine of 50 Hz. */
const tone = (rate: number, seconds: number) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => Math.sin((2 * Math.PI * 50 * i) / rate));

describe('sound', () => {
  test('is cut or filled up with silence', async () => {
    const root = await tree('sound', {
      'a/long.wav': encodeWav({ rate: 8000, samples: tone(8000, 1) }),
      'b/short.wav': encodeWav({ rate: 8000, samples: Float32Array.of(0.5, -0.5) }),
    });
    const dataset = await whole(root, { input: { dims: [1, 100], layout: 'NCHW' } });
    expect(dataset.sample).toEqual([1, 100]);
    const [long, short] = await all(dataset);
    expect(long).toEqual(Array.from(tone(8000, 1).subarray(0, 100)));
    expect(short).toEqual([0.5, -0.5, ...Array.from({ length: 98 }, () => 0)]);
  });

  test.each([16000, 6000])('at another rate is the same sound, %i', async (rate) => {
    const root = await tree(`rate-${rate}`, {
      'a/1.wav': encodeWav({ rate: 8000, samples: tone(8000, 1) }),
    });
    const dataset = await whole(root, { input: { dims: [rate], layout: 'NCHW' }, rate });
    const [made = []] = await all(dataset);
    const wanted = tone(rate, 1);
    const apart = made.map((value, i) => Math.abs(value - (wanted[i] as number)));
    // Near the ends the sound is cut off.
    expect(Math.max(...apart.slice(200, -200))).toBeLessThan(2e-3);
  });
});

const broken = async () => ({
  'a/1.png': await gray(1),
  'a/broken.png': 'no picture',
  'b/2.png': await gray(2),
  'b/notes.txt': 'hello',
  'b/cut.png': (await image('png', [1, 2, 3], [64, 64])).subarray(0, 60),
  'b/tone.wav': encodeWav({ rate: 8000, samples: new Float32Array(9) }),
});

describe('files that cannot be read', () => {
  test('are named and counted, and end the run', async () => {
    const root = await tree('broken', await broken());
    const opened = readData(root, { input: GRAY });
    await expect(opened).rejects.toMatchObject({ code: 'data/unreadable' });
    for (const part of [
      /4 of 6 samples/,
      /broken\.png/,
      /notes\.txt/,
      /cut\.png/,
      /tone\.wav/,
      /--skip-bad/,
    ]) {
      await expect(readData(root, { input: GRAY })).rejects.toThrow(part);
    }
  });

  test('are left out when asked, and still named', async () => {
    const root = await tree('skipped', await broken());
    const { parts, bad } = await readData(root, { input: GRAY, skipBad: true });
    expect(await colors(parts.whole as Dataset)).toEqual([[1], [2]]);
    expect([...(parts.whole as Dataset).labels]).toEqual([0, 1]);
    expect(bad).toHaveLength(4);
  });
});

test('data larger than the budget are read again each time, and are the same', async () => {
  const files = Object.fromEntries(
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => [`${i % 3}/${i}.png`, await gray(i)] as const),
    ),
  );
  const root = await tree('large', files);
  const kept = await whole(root, { input: GRAY });
  const small = await whole(root, { input: GRAY, budget: 100 });
  expect(await all(small)).toEqual(await all(kept));
  await rm(join(root, '0'), { recursive: true });
  expect(await all(kept)).toHaveLength(40);
  await expect(all(small)).rejects.toThrow(/did the data change/);
});

test('a data set is opened by its name, in another size, with classes of its own', async () => {
  const half = (name: string, count: number) =>
    arrayDataset({
      name,
      classes: ['seven', 'one'],
      sample: [1, 2, 2],
      labels: Int32Array.from({ length: count }, (_, i) => i % 2),
      data: new Uint8Array(4 * count).fill(51),
      divisor: 255,
    });
  const sets = { tiny: async () => ({ train: half('tiny/train', 6), test: half('tiny/test', 4) }) };
  const input = { dims: [3, 4, 3], layout: 'NHWC' } as const;
  const { parts, classesBy } = await readData('tiny', {
    input,
    sets,
    outputs: 2,
    parts: () => ['test'],
  });
  expect(classesBy).toBe('data set');
  expect(Object.keys(parts)).toEqual(['test']);
  const { test } = parts as { test: Dataset };
  expect(test).toMatchObject({ length: 4, sample: [3, 4, 3], classes: ['seven', 'one'] });
  expect([...test.labels]).toEqual([0, 1, 0, 1]);
  expect(new Set((await all(test)).flat())).toEqual(new Set([Math.fround(0.2)]));
});

describe('a folder of images without labels', () => {
  const flat = () =>
    tree('flat', {
      'a.png': '',
      'notes.txt': 'not a sample',
    }).then(async (root) => {
      await writeFile(join(root, 'a.png'), await gray(10));
      await writeFile(join(root, 'b.png'), await gray(200));
      return root;
    });
  const input = { dims: [1, 4, 4], layout: 'NCHW' } as const;

  test('is read with the outputs of the model as classes, and says that it has no labels', async () => {
    const { parts } = await readData(await flat(), { input, outputs: 3 });
    const { whole } = parts;
    expect(whole).toMatchObject({ length: 2, classes: ['0', '1', '2'], unlabeled: true });
    const x = new Float32Array(2 * 16);
    await whole?.read([0, 1], x);
    expect(x[0]).toBeCloseTo(10 / 255, 6);
    expect(x[16]).toBeCloseTo(200 / 255, 6);
  });

  test('takes the names of classes from a list', async () => {
    const { parts } = await readData(await flat(), { input, labels: ['cat', 'dog'] });
    expect(parts.whole?.classes).toEqual(['cat', 'dog']);
  });

  test('needs to know how many outputs there are', async () => {
    await expect(readData(await flat(), { input })).rejects.toThrow(/has no labels/);
  });

  test('is refused where accuracy is asked for', async () => {
    const { parts } = await readData(await flat(), { input, outputs: 3 });
    expect(() => checkLabeled(parts.whole as Dataset)).toThrow(
      expect.objectContaining({ code: 'data/unlabeled' }),
    );
  });
});
