import { wasm } from '@opt/backend-wasm';
import { createOptimizer, type Rule } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';

export interface Valley {
  /** Of the long axis, in degrees. */
  readonly angle: number;
  /** How much steeper it is across than along. */
  readonly condition: number;
}

export interface Path {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly (readonly [number, number])[];
  readonly losses: readonly number[];
}

const steps = 120;

/** Where every path starts, along the valley and across it. */
const start = { along: -2, across: 1 } as const;

const rates = { learningRate: 0.1, weightDecay: 0, beta1: 0.9, beta2: 0.95 } as const;

/** SGD has the rate that suits the steep side; the other two have the same constants. */
const walkers = ({ condition }: Valley): readonly { readonly label: string; readonly colour: string; readonly rule: Rule }[] => [
  { label: 'SOAP', colour: '#e8890c', rule: soap({ ...rates, precondition1d: true, preconditionFrequency: 1 }) },
  { label: 'AdamW', colour: '#3b7dd8', rule: adamw(rates) },
  { label: 'SGD + momentum', colour: '#868e96', rule: sgd({ learningRate: 1.5 / condition, momentum: 0.5 }) },
];

/** ½(a² + κb²), a along the valley and b across it, and its gradient. */
export function loss({ angle, condition }: Valley, [x, y]: readonly [number, number]): { value: number; gradient: [number, number] } {
  const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const [a, b] = [c * x + s * y, -s * x + c * y];
  return { value: 0.5 * (a * a + condition * b * b), gradient: [c * a - s * condition * b, s * a + c * condition * b] };
}

/** The ways of three optimizers down a valley, from the same point of it. */
export function paths(valley: Valley): readonly Path[] {
  const [c, s] = [Math.cos((valley.angle * Math.PI) / 180), Math.sin((valley.angle * Math.PI) / 180)];
  const data = [c * start.along - s * start.across, s * start.along + c * start.across];
  return walkers(valley).map(({ label, colour, rule }): Path => {
    const backend = wasm({ fma: false });
    const optimizer = createOptimizer({ transform: rule, parameters: { w: { shape: [2], data } }, backend });
    const points: [number, number][] = [];
    const losses: number[] = [];
    for (let step = 0; step <= steps; step++) {
      const [x = 0, y = 0] = optimizer.parameters.w;
      const { value, gradient } = loss(valley, [x, y]);
      points.push([x, y]);
      losses.push(value);
      optimizer.step({ w: gradient });
    }
    optimizer.dispose();
    backend.dispose();
    return { label, colour, points, losses };
  });
}
