import { wasm } from '@opt/backend-wasm';
import { createOptimizer, type Rule } from '@opt/core';
import { hypersphere } from '@opt/geometric';
import { sgd } from '@opt/transforms';
import { type Ball, loss, type Vector } from './quadratic.ts';

export interface Descent {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly Vector[];
}

const steps = 60;
/** Beside the steepest axis. */
const start: Vector = [0.8, -0.36, 0.48];

/** One gradient, three ways to follow it: on the sphere with its length or without, and off it. */
const walkers = (condition: number): readonly { readonly label: string; readonly colour: string; readonly rule: Rule }[] => [
  {
    label: 'on the sphere',
    colour: '#e03070',
    rule: hypersphere({ roles: { w: 'hidden' }, direction: 'riemannian', learningRate: 1 / condition, momentum: 0 }),
  },
  {
    label: 'on the sphere, with momentum',
    colour: '#e8890c',
    rule: hypersphere({ roles: { w: 'hidden' }, direction: 'riemannian', learningRate: 1 / condition, momentum: 0.8 }),
  },
  { label: 'SGD, wherever it leads', colour: '#868e96', rule: sgd({ learningRate: 1 / condition }) },
];

export function descents(ball: Ball): readonly Descent[] {
  return walkers(ball.condition).map(({ label, colour, rule }): Descent => {
    const backend = wasm({ fma: false });
    const optimizer = createOptimizer({ transform: rule, parameters: { w: { shape: [1, 3], data: start } }, backend });
    const points: Vector[] = [];
    for (let step = 0; step <= steps; step++) {
      const [x = 0, y = 0, z = 0] = optimizer.parameters.w;
      const w: Vector = [x, y, z];
      points.push(w);
      optimizer.step({ w: [...loss(ball, w).gradient] });
    }
    optimizer.dispose();
    backend.dispose();
    return { label, colour, points };
  });
}
