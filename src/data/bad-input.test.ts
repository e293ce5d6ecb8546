import { zipSync } from 'fflate';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dump } from 'npyjs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DataErrorCode } from './error.ts';
import { readData, type ReadOptions } from './read-data.ts';
import { preprocessFrom, preset } from './images/preprocess.ts';
import { encodeWav } from './audio/wav.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-bad-'))));
afterAll(() => rm(folder, { recursive: true }));

const npy = (...args: Parameters<typeof dump>) => new Uint8Array(dump(...args));
const x = npy(Float32Array.of(1, 2, 3, 4), [2, 2]);
const y = npy(BigInt64Array.of(0n, 1n), [2]);
const npz = (files: Files) => zipSync(files as Record<string, Uint8Array>);
const pgm = 'P2 2 1 255 0 255';
const wav = encodeWav({ rate: 8000, samples: new Float32Array(8) });

const TWO = { dims: [2], layout: 'NCHW' } as const;
const GRAY = { dims: [1, 2, 2], layout: 'NCHW' } as const;
const pictures = { 'a/1.pgm': pgm, 'b/1.pgm': pgm };

interface Bad {
  readonly files: Files;
  /** What is opened: the folder unless a file in it is named. */
  readonly open?: string | undefined;
  readonly options?: Partial<ReadOptions> | undefined;
  readonly code: DataErrorCode;
  readonly says: RegExp;
}

/** Every kind of bad data, and what is said of it. */
const table: Record<string, Bad> = {
  'no such place': {
    files: {},
    open: 'nowhere',
    options: { sets: { tiny: () => Promise.reject(new Error('not asked for')) } },
    code: 'data/missing',
    says: /there is no data at .*nowhere.*a \.npz file.*"tiny"/,
  },
  'an empty folder': {
    files: { '.keep': '' },
    code: 'data/empty',
    says: /holds no samples: it should hold a folder for each class/,
  },
  'empty folders for classes': {
    files: { 'a/.keep': '', 'b/.keep': '' },
    code: 'data/empty',
    says: /its folders \(a, b\) are empty/,
  },
  'images without folders': {
    files: { '1.pgm': pgm },
    code: 'data/empty',
    says: /a folder for each class/,
  },
  'two folders for a part': {
    files: { 'val/a/1.pgm': pgm, 'valid/a/1.pgm': pgm },
    code: 'data/format',
    says: /more than one folder for validation \(val, valid\)/,
  },
  'scenes for a classifier': {
    files: { 'images/a.ppm': pgm, 'labels/a.txt': '', 'classes.txt': 'stop' },
    code: 'data/format',
    says: /has scenes, which only detectors take/,
  },
  'parts within a part': {
    files: { 'train/train-images-idx3-ubyte': '' },
    code: 'data/empty',
    says: /train holds no samples/,
  },
  'a file of no known kind': {
    files: { 'data.h5': 'x' },
    open: 'data.h5',
    code: 'data/format',
    says: /data\.h5 is no data that can be read: give .*\.npz/,
  },
  'a damaged image': {
    files: { ...pictures, 'b/2.png': 'no png' },
    code: 'data/unreadable',
    says: /1 of 3 samples cannot be read:\n.*2\.png.*\n.*--skip-bad/,
  },
  'a PGM cut short': {
    files: { ...pictures, 'b/2.pgm': 'P5 4 4 255\nabc' },
    code: 'data/unreadable',
    says: /2\.pgm: it ends after 3 of 16 bytes/,
  },
  'a damaged WAV file': {
    files: { 'a/1.wav': wav, 'b/2.wav': wav.subarray(0, 70) },
    options: { input: { dims: [8], layout: 'NCHW' } },
    code: 'data/unreadable',
    says: /2\.wav: its header announces 32 bytes of sound, but it has 12/,
  },
  'sound among pictures': {
    files: { ...pictures, 'b/2.wav': wav },
    code: 'data/unreadable',
    says: /2\.wav: it is sound, where others are pictures/,
  },
  'a file that is neither': {
    files: { ...pictures, 'b/notes.txt': '' },
    code: 'data/unreadable',
    says: /notes\.txt is neither an image \(PNG, JPEG, WebP, PPM, PGM\) nor a sound \(WAV\)/,
  },
  'nothing left after leaving out what is bad': {
    files: { 'a/1.png': 'no' },
    options: { skipBad: true },
    code: 'data/unreadable',
    says: /1 of 1 samples cannot be read.*\nNone is left/s,
  },
  'fewer classes than outputs': {
    files: pictures,
    options: { outputs: 10 },
    code: 'data/classes',
    says: /2 classes \(a, b\), but the model has 10 outputs.*labels\.txt/,
  },
  'numbers above the outputs': {
    files: { '1/1.pgm': pgm, '2/1.pgm': pgm },
    options: { outputs: 2 },
    code: 'data/classes',
    says: /numbered 1 to 2, but the model has 2 outputs, 0 to 1\. Do the numbers begin at 0\?/,
  },
  'a labels.txt of another length': {
    files: { ...pictures, 'labels.txt': 'a\nb\nc\n' },
    options: { outputs: 2 },
    code: 'data/classes',
    says: /names 3 classes \(a, b, c\), but the model has 2 outputs/,
  },
  'a class that labels.txt does not name': {
    files: { ...pictures, 'labels.txt': 'a\nc\n' },
    code: 'data/classes',
    says: /classes that the labels file does not name \(b\); it names a, c/,
  },
  'a labels.txt with a name twice': {
    files: { ...pictures, 'labels.txt': 'a\nb\na\n' },
    code: 'data/labels',
    says: /names "a" twice, in lines 1 and 3/,
  },
  'a labels.txt with an empty line': {
    files: { ...pictures, 'labels.txt': 'a\n\nb\n' },
    code: 'data/labels',
    says: /has an empty line 2/,
  },
  'a labels file that is not there': {
    files: pictures,
    options: { labels: 'nowhere.txt' },
    code: 'data/labels',
    says: /nowhere\.txt cannot be read/,
  },
  'pictures for a model of five channels': {
    files: pictures,
    options: { input: { dims: [5, 8, 8], layout: 'NCHW' } },
    code: 'data/shape',
    says: /takes samples of \[5, 8, 8\] \(channels first\), but pictures have 1 or 3 channels/,
  },
  'pictures for a model of features': {
    files: pictures,
    options: { input: { dims: [7], layout: 'NCHW' } },
    code: 'data/shape',
    says: /takes samples of \[7\], but pictures of 2 x 1 with 1 channels have 2/,
  },
  'sound for a model that does not say how long': {
    files: { 'a/1.wav': wav },
    options: { input: { dims: [1, null], layout: 'NCHW' } },
    code: 'data/shape',
    says: /\[1, any\], but the length of sound is not known/,
  },
  'arrays of another shape': {
    files: { 'x.npy': x, 'y.npy': y },
    options: { input: GRAY },
    code: 'data/shape',
    says: /\[1, 2, 2\] \(channels first\), but the data has samples of \[2\]/,
  },
  'more labels than samples': {
    files: { 'd.npz': npz({ 'x.npy': x, 'y.npy': npy(Int32Array.of(0, 1, 0), [3]) }) },
    open: 'd.npz',
    code: 'data/mismatch',
    says: /x has 2 samples, \[2, 2\], but y has 3 labels/,
  },
  'labels that are no numbers of classes': {
    files: { 'd.npz': npz({ 'x.npy': x, 'y.npy': npy(Float32Array.of(0, 0.5), [2]) }) },
    open: 'd.npz',
    code: 'data/label',
    says: /y holds 0\.5, which is no class's number/,
  },
  'labels of three axes': {
    files: { 'd.npz': npz({ 'x.npy': x, 'y.npy': npy(new Uint8Array(4), [2, 2, 1]) }) },
    open: 'd.npz',
    code: 'data/format',
    says: /y has dims \[2, 2, 1\]/,
  },
  'a .npz without y': {
    files: { 'd.npz': npz({ 'x.npy': x, 'z.npy': y }) },
    open: 'd.npz',
    code: 'data/format',
    says: /has the arrays x, z, and none named y: .*numpy\.savez/,
  },
  'a .npz that is none': {
    files: { 'd.npz': 'no zip' },
    open: 'd.npz',
    code: 'data/magic',
    says: /is not a \.npz file/,
  },
  'a .npy that is none': {
    files: { 'x.npy': 'no array', 'y.npy': y },
    code: 'data/magic',
    says: /x\.npy is not a \.npy file/,
  },
  'a .npy cut short': {
    files: { 'x.npy': x.subarray(0, x.length - 4), 'y.npy': y },
    code: 'data/truncated',
    says: /an array of \[2, 2\] has 4 values, but the file holds 3/,
  },
  'an array of texts': {
    files: { 'x.npy': npy(['ab', 'cd'], [2], { dtype: 'U2' }), 'y.npy': y },
    code: 'data/format',
    says: /holds texts: save it as uint8, float32 or int64/,
  },
  'a .npy without labels beside it': {
    files: { 'train_x.npy': x },
    open: 'train_x.npy',
    code: 'data/missing',
    says: /has no labels beside it \(train_y\.npy\)/,
  },
  'preprocessing of features': {
    files: { 'x.npy': x, 'y.npy': y },
    options: { preprocess: preset('imagenet') },
    code: 'data/preprocess',
    says: /--preprocess is for pictures, and the data are numbers/,
  },
  'a crop that is smaller than the input': {
    files: pictures,
    options: { preprocess: { ...preset('0-1'), crop: 1 } },
    code: 'data/preprocess',
    says: /crop 1: the shorter side must be at least .* 2 x 2/,
  },
  'a table without labels': {
    files: { 'a.csv': 'path,kind\n1.png,cat\n' },
    open: 'a.csv',
    code: 'data/format',
    says: /has the columns path, kind, and none of labels/,
  },
  'a table with a line cut short': {
    files: { 'a.csv': 'path,label\n1.png,cat\n2.png\n' },
    open: 'a.csv',
    code: 'data/format',
    says: /a\.csv cannot be read: .*line 3/,
  },
  'a table without a label in a line': {
    files: { 'a.csv': 'path,label\n1.png,cat\n2.png,\n' },
    open: 'a.csv',
    code: 'data/format',
    says: /a\.csv, line 3: it has no label/,
  },
  'a table of texts where numbers are due': {
    files: { 'a.csv': 'width,label\n3,cat\nwide,dog\n' },
    open: 'a.csv',
    code: 'data/format',
    says: /a\.csv, line 3: "width" is "wide", which is no number/,
  },
  'a table that is empty': {
    files: { 'a.csv': 'path,label\n' },
    open: 'a.csv',
    code: 'data/empty',
    says: /has no lines of data/,
  },
  'a table that names files which are not there': {
    files: { 'a.csv': 'path,label\nin/1.png,cat\n' },
    open: 'a.csv',
    code: 'data/unreadable',
    says: /in\/1\.png: ENOENT/,
  },
  'JSON Lines of no JSON': {
    files: { 'a.jsonl': '{"path": "a.png", "label": 0}\n{path}\n' },
    open: 'a.jsonl',
    code: 'data/format',
    says: /a\.jsonl, line 2 is no JSON/,
  },
  'JSON Lines of no objects': {
    files: { 'a.jsonl': '["a.png", 0]\n' },
    open: 'a.jsonl',
    code: 'data/format',
    says: /line 1 is no object: it should be like \{"path"/,
  },
  'half of MNIST’s files': {
    files: { 'train-images-idx3-ubyte': 'x' },
    code: 'data/missing',
    says: /has no (train-labels-idx1|t10k-images-idx3)-ubyte/,
  },
  'a damaged IDX file': {
    files: {
      'train-images-idx3-ubyte': 'xxxx',
      'train-labels-idx1-ubyte': 'xxxx',
      't10k-images-idx3-ubyte': 'xxxx',
      't10k-labels-idx1-ubyte': 'xxxx',
    },
    code: 'data/magic',
    says: /not an IDX file/,
  },
};

test.each(Object.entries(table))('%s', async (name, { files, open = '', options, code, says }) => {
  const root = join(folder, name.replaceAll(/\W/g, '-'));
  await mkdir(root);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  const flat = open !== '' || 'x.npy' in files;
  const opened = readData(join(root, open), { input: flat ? TWO : GRAY, ...options });
  const error = await opened.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ name: 'DataError', code });
  expect((error as Error).message).toMatch(says);
});

test('no two kinds of bad data are told in the same words', () => {
  const said = Object.values(table).map(({ says }) => says.source);
  expect(new Set(said).size).toBe(said.length);
});

/** What a person says of preprocessing, and what is said of it. */
test.each([
  ['imagenett', /no preset "imagenett"; it is one of 0-1, 0-255, -1-1, imagenet, caffe/],
  ['{"mean": 0.5', /cannot be read as JSON/],
  ['{"mena": 0.5}', /mena/],
  ['{"mean": [1, 2]}', /mean has 2 numbers; give 1 for all channels, or 3/],
  ['{"std": [0, 1, 1]}', /std is a divisor and cannot be 0/],
  ['{"resize": "lanczos"}', /resize/],
  ['{"crop": 0}', /crop/],
])('preprocessing %s', (said, says) => {
  expect(() => preprocessFrom(said, '--preprocess')).toThrow(
    expect.objectContaining({
      code: 'data/preprocess',
      message: expect.stringMatching(says) as string,
    }),
  );
});
