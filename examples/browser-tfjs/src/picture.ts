/// <reference lib="dom" preserve="true" />
import { reach, type spirals } from './spirals.ts';

type Colour = readonly [red: number, green: number, blue: number];

const [first, second]: readonly [Colour, Colour] = [
  [0, 150, 110],
  [230, 110, 40],
];
/** How much of a colour there is behind the points. */
const tint = 0.45;

/** The points, and behind them fields in the colour of the spiral the network takes each for. */
export class Picture {
  readonly #canvas: HTMLCanvasElement;
  readonly #spirals: ReturnType<typeof spirals>;

  constructor(canvas: HTMLCanvasElement, data: ReturnType<typeof spirals>) {
    this.#canvas = canvas;
    this.#spirals = data;
  }

  /** `shares`: of the second spiral in every field, row by row from the top. */
  draw(shares: ArrayLike<number> = []): void {
    const { width, height } = this.#canvas;
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.clearRect(0, 0, width, height);
    if (shares.length > 0) context.drawImage(fieldsOf(shares), 0, 0, width, height);
    const { points, classes } = this.#spirals;
    points.forEach(([x, y], i) => {
      context.beginPath();
      context.arc(((1 + x / reach) / 2) * width, ((1 - y / reach) / 2) * height, width / 120, 0, 2 * Math.PI);
      context.fillStyle = `rgb(${classes[i] === 1 ? second : first})`;
      context.fill();
    });
  }
}

function fieldsOf(shares: ArrayLike<number>): OffscreenCanvas {
  const side = Math.sqrt(shares.length);
  const pixels = Array.from(shares).flatMap((share) => [
    ...first.map((from, channel) => 255 - tint * (255 - from - share * ((second[channel] ?? 0) - from))),
    255,
  ]);
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext('2d')?.putImageData(new ImageData(Uint8ClampedArray.from(pixels), side), 0, 0);
  return canvas;
}
