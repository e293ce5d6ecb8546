import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../src/data/index.ts';

/** Writes scenes into two folders, `voc` and `yolo`; YOLO names the classes in reverse order. */
export async function writeScenes(folder: string, scenes: Dataset): Promise<void> {
  for (const [name, write] of [
    ['voc', voc],
    ['yolo', yolo],
  ] as const) {
    await mkdir(join(folder, name, 'images'), { recursive: true });
    for (let index = 0; index < scenes.length; index += 1) {
      await writeFile(join(folder, name, 'images', `${index}.ppm`), await ppm(scenes, index));
      const [path, text] = write(scenes, index);
      await mkdir(join(folder, name, path), { recursive: true });
      await writeFile(
        join(folder, name, path, `${index}.${path === 'labels' ? 'txt' : 'xml'}`),
        text,
      );
    }
  }
  await writeFile(
    join(folder, 'yolo', 'classes.txt'),
    `${scenes.classes.toReversed().join('\n')}\n`,
  );
}

async function ppm(dataset: Dataset, index: number): Promise<Buffer> {
  const [channels = 3, height = 0, width = 0] = dataset.sample;
  const x = new Float32Array(channels * height * width);
  await dataset.read([index], x);
  const pixels = Uint8Array.from(x, (_, i) =>
    Math.round(255 * (x[(i % channels) * height * width + Math.floor(i / channels)] as number)),
  );
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

function voc(scenes: Dataset, index: number): ['annotations', string] {
  const objects = (scenes.objects?.[index] ?? []).map(
    ({ box, label }) =>
      `<object><name>${scenes.classes[label]}</name><bndbox><xmin>${box.left}</xmin><ymin>${box.top}</ymin><xmax>${box.right}</xmax><ymax>${box.bottom}</ymax></bndbox></object>`,
  );
  return ['annotations', `<annotation>${objects.join('')}</annotation>`];
}

function yolo(scenes: Dataset, index: number): ['labels', string] {
  const [, height = 0, width = 0] = scenes.sample;
  const lines = (scenes.objects?.[index] ?? []).map(({ box, label }) => {
    const center = [(box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height];
    const sides = [(box.right - box.left) / width, (box.bottom - box.top) / height];
    return [scenes.classes.length - 1 - label, ...center, ...sides].join(' ');
  });
  return ['labels', lines.join('\n')];
}
