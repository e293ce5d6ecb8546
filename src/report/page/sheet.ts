import { sizeOf } from '../../onnx/index.ts';
import { type Pixels, pixelsFromPlanes } from './png.ts';

/** Smaller images are enlarged to at least this many pixels. */
const SIDE = 96;
const GAP = 4;

/**
 * A contact sheet: one image of many, in rows.
 *
 * @param rows - the samples of each row, one after another, values in 0 to 1
 * @param sample - dims of a sample: [channels, height, width] with 1, 3 or 4 channels
 * @throws ReportError `report/image` for other dims
 */
export function sheetOf(rows: readonly Float32Array[], sample: readonly number[]): Pixels {
  const size = sizeOf(sample);
  const tiles = rows.map((row) =>
    Array.from({ length: row.length / size }, (_, i) =>
      pixelsFromPlanes(row.subarray(i * size, (i + 1) * size), sample),
    ),
  );
  const first = tiles[0]?.[0] ?? pixelsFromPlanes(new Float32Array(size), sample);
  const { channels } = first;
  const zoom = Math.max(1, Math.ceil(SIDE / Math.max(first.width, first.height)));
  const [tileWidth, tileHeight] = [first.width * zoom + GAP, first.height * zoom + GAP];
  const width = tileWidth * Math.max(...tiles.map(({ length }) => length));
  const height = tileHeight * tiles.length;
  const pixels = Array.from({ length: width * height * channels }, () => 255);
  for (const [down, row] of tiles.entries()) {
    for (const [across, tile] of row.entries()) {
      for (let y = 0; y < first.height * zoom; y++) {
        for (let x = 0; x < first.width * zoom; x++) {
          const from = (Math.floor(y / zoom) * first.width + Math.floor(x / zoom)) * channels;
          const to = ((down * tileHeight + y) * width + across * tileWidth + x) * channels;
          for (let c = 0; c < channels; c++) pixels[to + c] = tile.pixels[from + c] as number;
        }
      }
    }
  }
  return { width, height, channels, pixels };
}
