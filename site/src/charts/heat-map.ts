/// <reference lib="dom" preserve="true" />

/** From nothing to all: dark blue over green to yellow, rising in lightness, so that it also reads without colour. */
const ramp: readonly (readonly [number, number, number])[] = [
  [22, 20, 52],
  [38, 62, 110],
  [28, 116, 122],
  [70, 168, 104],
  [178, 208, 74],
  [252, 236, 130],
];

/** The colour of a share between 0 and 1. */
export function rampAt(share: number): readonly [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (ramp.length - 1);
  const low = Math.min(ramp.length - 2, Math.floor(at));
  const [from = [0, 0, 0], to = [0, 0, 0]] = [ramp[low], ramp[low + 1]];
  const mixed = (i: 0 | 1 | 2): number => Math.round(from[i] + (at - low) * (to[i] - from[i]));
  return [mixed(0), mixed(1), mixed(2)];
}

/** A matrix as coloured cells, first row on top, one pixel each: the style sheet makes it as large as its place. `shares` are in [0, 1], or NaN. */
export function paint(canvas: HTMLCanvasElement, rows: number, columns: number, shares: ArrayLike<number>): void {
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const share = shares[i] ?? Number.NaN;
    if (Number.isNaN(share)) continue;
    image.data.set([...rampAt(share), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/** Sizes on a logarithmic scale: the largest is 1, what is `decades` below it 0. */
export function logarithmicShares(values: ArrayLike<number>, decades: number): Float64Array {
  const sizes = Float64Array.from(values, Math.abs);
  const most = sizes.reduce((largest, size) => Math.max(largest, size), 0);
  return sizes.map((size) => (most > 0 ? 1 + Math.log10(size / most) / decades : 0));
}
