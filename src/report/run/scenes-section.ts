import { iou } from '../../data/scenes/boxes.ts';
import { MIN_IOU } from '../../metrics/detection.ts';
import { percent } from '../page/format.ts';
import { html, type Markup } from '../page/markup.ts';
import type { NamedEvaluation, Scenes } from './record.ts';
import { pngDataUri } from '../page/png.ts';
import { methodTitle } from './sections.ts';

type Shown = Scenes['shown'][number];
type Found = Shown['before'][number];

/** Test scenes with the detections before and after the repair. */
export function scenesFigures(scenes: Scenes, id: string): Markup {
  return html`<div class="scenes">
    ${scenes.shown.map((scene, index) => sceneFigure(scene, `${id}-${index}`))}
  </div>`;
}

export function scenesSection(
  scenes: Scenes | undefined,
  evaluations: readonly NamedEvaluation[],
): Markup | undefined {
  if (!scenes) return undefined;
  return html`<section id="scenes">
    <h2>Detections</h2>
    <p>
      Test scenes before and after the repair, with the detections of a score of at least 0.5. Right
      ones have a solid line, wrong ones a dashed line and ✗.
    </p>
    ${scenesFigures(scenes, 'scene')} ${precisionTable(scenes.classes, evaluations)}
  </section>`;
}

/** Average precision of each class, one network per line. */
export function precisionTable(
  classes: readonly string[],
  evaluations: readonly NamedEvaluation[],
): Markup | undefined {
  const some = evaluations.filter(({ evaluation }) => evaluation.acc.ap);
  if (some.length === 0) return undefined;
  return html`<table class="precisions">
    <caption>
      Average precision at IoU 0.5
    </caption>
    <thead>
      <tr>
        <th scope="col">Network</th>
        ${classes.map((name) => html`<th scope="col">${name}</th>`)}
        <th scope="col">mean</th>
      </tr>
    </thead>
    <tbody>
      ${some.map(
        ({ method, evaluation: { acc } }) =>
          html`<tr>
            <th scope="row">${methodTitle(method)}</th>
            ${[...(acc.ap ?? []), acc.map ?? null].map(
              (value) => html`<td>${value === null ? '–' : percent(value, 1)}</td>`,
            )}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function sceneFigure(scene: Shown, id: string): Markup {
  const labels = [...new Set(scene.truth.map(({ label }) => label))].join(', ');
  const what = scene.of === 'triggered' ? 'with the trigger' : 'without a trigger';
  return html`<figure class="scene">
    <div class="pair">
      ${drawn(scene, scene.before, id, `${labels}, ${what}, before`, true)}
      ${drawn(scene, scene.after, id, `${labels}, ${what}, after`, false)}
    </div>
    <figcaption>${labels}, ${what}: before and after</figcaption>
  </figure>`;
}

/** The page has each picture once: the second drawing refers to the first. */
function drawn(
  { image, truth }: Shown,
  found: readonly Found[],
  id: string,
  label: string,
  first: boolean,
): Markup {
  const { width, height } = sizeOf(image);
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
    ${
      first
        ? html`<image id="${id}" href="${pngDataUri(image)}" width="${width}" height="${height}" />`
        : html`<use href="#${id}" />`
    }
    ${found.map((one) => boxOf(one, truth, width))}
  </svg>`;
}

function boxOf({ box, label, score }: Found, truth: Shown['truth'], width: number): Markup {
  const right = truth.some((object) => object.label === label && iou(object.box, box) >= MIN_IOU);
  const { left, top, right: end, bottom } = box;
  // Above the box, or inside it if there is no room.
  const y = top < 14 ? top + 12 : top - 4;
  // From the outer edge toward the middle, where there is room.
  const [x, anchor] = left + end > width ? [end, 'end'] : [left, 'start'];
  return html`<g class="${right ? 'right' : 'wrong'}">
    <rect x="${at(left)}" y="${at(top)}" width="${at(end - left)}" height="${at(bottom - top)}" />
    <text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"
      >${label} ${score.toFixed(2)}${!right && ' ✗'}</text
    >
  </g>`;
}

const at = (value: number) => value.toFixed(1);

/** Width and height of a picture; a PNG has them at a fixed offset. */
function sizeOf(image: Shown['image']): { width: number; height: number } {
  if (typeof image !== 'string') return image;
  const bytes = Buffer.from(image.slice(image.indexOf(',') + 1, image.indexOf(',') + 45), 'base64');
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}
