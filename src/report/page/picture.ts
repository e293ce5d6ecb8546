import { html, type Markup, rawMarkup } from './markup.ts';
import { type Pixels, pngDataUri } from './png.ts';

/** Larger pictures are not enlarged pixel by pixel. */
const SMALL = 96;

/** A picture in a page; `alt` is its text alternative. */
export function picture(image: Pixels | string, alt: string): Markup {
  const small = typeof image !== 'string' && Math.max(image.width, image.height) <= SMALL;
  return html`<img${small && rawMarkup(' class="small"')} src="${pngDataUri(image)}" alt="${alt}">`;
}
