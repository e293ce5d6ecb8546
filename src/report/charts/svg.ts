import type { Markish, PlotOptions } from '@observablehq/plot';
import { rawMarkup, type Markup } from '../page/markup.ts';

export type Plot = typeof import('@observablehq/plot');
export type Mark = Markish;

/** Draws one chart as inline SVG; `label` is its text alternative. */
export type Draw = (options: PlotOptions, label: string) => Markup;

/** Loads the plotting library. It is large, so that only a report loads it. */
export async function loadPlot(): Promise<{ Plot: Plot; draw: Draw }> {
  const [Plot, { parseHTML }] = await Promise.all([
    import('@observablehq/plot'),
    import('linkedom'),
  ]);
  const { document } = parseHTML('<!doctype html><html></html>');
  const draw: Draw = (options, label) => {
    const svg = Plot.plot({ ...options, document, style: { fontSize: '12px' } });
    // The style sheet of the page takes over; that of the library sets a white background.
    svg.querySelector('style')?.remove();
    for (const name of ['width', 'height', 'class']) svg.removeAttribute(name);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
    // Two decimals are enough for coordinates. Tick labels, which follow a `>`, keep theirs.
    return rawMarkup(
      svg.outerHTML.replace(/(?<![>\d.])-?\d+\.\d{5,}/g, (text: string) => String(round(text))),
    );
  };
  return { Plot, draw };
}

function round(text: string): number {
  return Math.round(Number(text) * 100) / 100;
}
