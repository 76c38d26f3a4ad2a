import type { Declarer, Shape } from '@opt/core';

/** What one core does, in FLOPs a second: the measured half of its float32 products, since some of the work is float64. */
const rate = 2e10;

/** A page that does not react for longer is taken for broken, in seconds. */
const bearable = 2;

/** FLOPs of one basis: a product and a QR of [d, d]. */
const flopsOf = (d: number): number => (2 + 8 / 3) * d ** 3;

/** Says, of the first parameter for which it is so, that the bases of these axes take long: the step that waits says nothing. */
export function sayCost(name: string, at: Declarer, owner: string, shape: Shape, axes: readonly number[]): void {
  const seconds = axes.reduce((sum, d) => sum + flopsOf(d), 0) / rate;
  if (seconds <= bearable) return;
  const longest = Math.max(...axes);
  at.slow?.(
    `${name}: '${owner}' [${shape}] keeps two [${longest},${longest}] matrices for an axis of ${longest}; bases like that take about ` +
      `${seconds.toPrecision(2)} s of one core in the first step and at each refresh. With maxPreconditionDim: 1024 longer axes ` +
      'are left as they are',
  );
}
