import { readFileSync } from 'node:fs';
import { smooth } from '../../../examples/race/src/smooth.ts';
import { inRepository } from './repository.ts';

/** Losses of a race, kept by `make-still.ts`: what the front page shows before anybody runs one. */
interface Still {
  readonly lanes: readonly { readonly label: string; readonly colour: string; readonly losses: readonly number[] }[];
}

const isStill = (value: unknown): value is Still =>
  typeof value === 'object' && value !== null && 'lanes' in value && Array.isArray(value.lanes);

const [width, height, left, bottom, right, top] = [900, 400, 64, 40, 178, 14];

/** The race as an SVG: logarithmic loss over steps, names at the ends of the lines. */
export function raceStill(): string {
  const value: unknown = JSON.parse(readFileSync(inRepository('site/src/build/still.json'), 'utf8'));
  if (!isStill(value)) throw new Error('site/src/build/still.json is no race');
  const lanes = value.lanes.map((lane) => ({ ...lane, smoothed: smooth(lane.losses) }));
  const steps = Math.max(...lanes.map(({ losses }) => losses.length));
  const all = lanes.flatMap(({ smoothed }) => smoothed);
  const [low, high] = [Math.log10(Math.min(...all)) - 0.05, Math.log10(Math.max(...all)) + 0.03];
  const x = (step: number): number => left + ((width - left - right) * step) / (steps - 1);
  const y = (loss: number): number => top + ((height - top - bottom) * (high - Math.log10(loss))) / (high - low);
  const ticks = [2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01].filter((tick) => Math.log10(tick) > low && Math.log10(tick) < high);
  const ends = spread(
    lanes.map(({ smoothed }) => y(smoothed.at(-1) ?? 1)),
    19,
  );
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/><text class="tick" x="${left - 8}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`,
  );
  const marks = [0, 250, 500, 750, 1000]
    .filter((step) => step <= steps)
    .map(
      (step) => `<text class="tick" x="${x(Math.min(step, steps - 1)).toFixed(1)}" y="${height - 10}" text-anchor="middle">${step}</text>`,
    );
  const curves = lanes.map(
    ({ colour, smoothed }) =>
      `<path fill="none" stroke="${colour}" stroke-width="2" d="${smoothed.map((loss, step) => `${step === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join('')}"/>`,
  );
  const names = lanes.map(
    ({ label, colour }, i) =>
      `<circle fill="${colour}" cx="${width - right + 12}" cy="${((ends[i] ?? 0) - 1).toFixed(1)}" r="4"/><text class="name" x="${width - right + 22}" y="${((ends[i] ?? 0) + 4).toFixed(1)}">${label}</text>`,
  );
  // Where the picture is small, the names stand below it.
  const key = lanes.map(
    ({ label, colour }) =>
      `<li><svg viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" fill="${colour}"/></svg>${label}</li>`,
  );
  return `<svg class="still" viewBox="0 0 ${width} ${height}" role="img" aria-label="Training loss of ${lanes.map(({ label }) => label).join(', ')} over ${steps} steps">${[...grid, ...marks, ...curves, ...names].join('')}</svg><ul class="still-key">${key.join('')}</ul>`;
}

/** Heights with at least `gap` between any two, in the same order. */
function spread(heights: readonly number[], gap: number): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  const placed = [...heights];
  for (let pass = 0; pass < 50; pass++) {
    for (let at = 1; at < order.length; at++) {
      const [above = 0, below = 0] = [order[at - 1], order[at]];
      const missing = gap - ((placed[below] ?? 0) - (placed[above] ?? 0));
      if (missing <= 0) continue;
      placed[above] = (placed[above] ?? 0) - missing / 2;
      placed[below] = (placed[below] ?? 0) + missing / 2;
    }
  }
  return placed;
}
