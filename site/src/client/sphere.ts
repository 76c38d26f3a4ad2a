/// <reference lib="dom" preserve="true" />
import { paint } from '../charts/heat-map.ts';
import { Plot } from '../charts/plot.ts';
import { type Ball, dot, flattest, length, loss, type Vector } from '../toys/quadratic.ts';
import type { Descent } from '../toys/sphere.ts';
import { opened, remember } from './address.ts';
import { finder } from './page.ts';
import { toy } from './toy.ts';

/** Pixels of the ball along each side, and half of what is seen. */
const [pixels, reach] = [220, 1.08];
const svg = 'http://www.w3.org/2000/svg';

const here = document.querySelector<HTMLElement>('.sphere');
if (here) sphere(here);

function sphere(root: HTMLElement): void {
  const find = finder(root);
  const sliders = [...root.querySelectorAll<HTMLInputElement>('input[type=range]')];
  const [canvas, above, says] = [find('canvas', HTMLCanvasElement), find('.ball svg', SVGElement), find('output', HTMLOutputElement)];
  const chosen = (which: string): number => Number(sliders.find(({ name }) => name === which)?.value ?? 0);
  const ball = (): Ball => ({ condition: 10 ** chosen('condition') });
  let found: readonly Descent[] = [];
  let plot: Plot | undefined;

  const draw = (): void => {
    const view = viewOf(chosen('yaw'), chosen('pitch'));
    paint(canvas, pixels, pixels, colours(ball(), view));
    above.replaceChildren(...found.flatMap((descent) => trail(descent, view)));
    remember(sliders.map(({ name, value }) => `${name}=${value}`).join('&'));
  };
  const ask = toy((reply) => {
    if (reply.kind !== 'sphere') return;
    found = reply.found;
    draw();
    key(found);
    plot ??= lengths(found);
    plot.set(() => [
      Array.from({ length: found[0]?.points.length ?? 0 }, (_, step) => step),
      ...found.map(({ points }) => points.map(length)),
    ]);
    const says1 = ({ label, points }: Descent): string => {
      const last = points.at(-1) ?? [0, 0, 0];
      const size = length(last);
      return `${label} ${size > 0.5 ? `${((180 / Math.PI) * Math.acos(Math.min(1, Math.abs(dot(last, flattest)) / size))).toPrecision(2)}° from the lowest point` : `at length ${size.toPrecision(2)}`}`;
    };
    says.value = `${Math.round(ball().condition)} times steeper; after 60 steps: ${found.map(says1).join(', ')}`;
  });
  const key = (descents: readonly Descent[]): void =>
    find('.key', HTMLElement).replaceChildren(
      ...descents.flatMap(({ label, colour }) => {
        const dot = document.createElement('i');
        dot.className = 'dot';
        dot.style.background = colour;
        return [dot, ` ${label} `];
      }),
    );
  const lengths = (descents: readonly Descent[]): Plot =>
    new Plot(find('.lengths', HTMLElement), {
      lines: descents.map(({ label, colour }, i) => ({ label, colour, width: i === 0 ? 5 : 2 })),
      x: { range: () => [0, 60] },
      y: { range: () => [0, 1.1] },
      highest: 300,
    });

  for (const slider of sliders)
    slider.addEventListener('input', () => {
      if (slider.name === 'condition') ask({ kind: 'sphere', ball: ball() });
      else draw();
    });
  opened((state) => {
    const said = new URLSearchParams(state);
    for (const slider of sliders) slider.value = said.get(slider.name) ?? slider.defaultValue;
    ask({ kind: 'sphere', ball: ball() });
  });
}

/** Where one looks from: the axes of the picture, to the right, up, and towards the eye. */
interface View {
  readonly right: Vector;
  readonly up: Vector;
  readonly eye: Vector;
}

function viewOf(yaw: number, pitch: number): View {
  const [a, b] = [(yaw * Math.PI) / 180, (pitch * Math.PI) / 180];
  const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
  return { right: [ca, sa, 0], up: [sa * sb, -ca * sb, cb], eye: [sa * cb, -ca * cb, -sb] };
}

/** The loss on the half that is seen, from its least to its most; what lies beside the ball has no colour. */
function colours(ball: Ball, { right, up, eye }: View): Float64Array {
  const shares = new Float64Array(pixels * pixels).fill(Number.NaN);
  for (let row = 0; row < pixels; row++)
    for (let column = 0; column < pixels; column++) {
      const x = (2 * reach * (column + 0.5)) / pixels - reach;
      const y = reach - (2 * reach * (row + 0.5)) / pixels;
      const z = Math.sqrt(1 - x * x - y * y);
      if (Number.isNaN(z)) continue;
      const at = (i: 0 | 1 | 2): number => x * right[i] + y * up[i] + z * eye[i];
      const { value } = loss(ball, [at(0), at(1), at(2)]);
      // Between ½ and ½ of the condition, logarithmic.
      shares[row * pixels + column] = Math.log(2 * value) / Math.log(ball.condition);
    }
  return shares;
}

/** A path piece by piece: faint behind the ball and inside of it. */
function trail({ colour, points }: Descent, { right, up, eye }: View): SVGElement[] {
  return points.slice(1).map((point, i) => {
    const before = points[i] ?? point;
    const hidden = dot(point, eye) < 0 || length(point) < 0.98;
    const line = document.createElementNS(svg, 'line');
    const attributes = {
      x1: dot(before, right),
      y1: -dot(before, up),
      x2: dot(point, right),
      y2: -dot(point, up),
      stroke: colour,
      'stroke-width': 0.022,
      'stroke-linecap': 'round',
      opacity: hidden ? 0.45 : 1,
    };
    for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, String(value));
    return line;
  });
}
