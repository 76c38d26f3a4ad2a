import { mapValues, type Objective, type Rule, type Values } from '@opt/core';
import { lInv, lre } from '@opt/lre';
import { direct } from '@opt/lre-basis';
import { sr1 } from '@opt/lre-curvature';
import { clipNorm } from '@opt/transforms';

/** ¼Σ x⁴ in two parameters: the Hessian is diagonal, 3x². */
export type Name = 'w' | 'b';
export const start: Readonly<Record<Name, { readonly shape: readonly number[]; readonly data: readonly number[] }>> = {
  w: { shape: [2, 2], data: [1, -2, 0.5, 1.5] },
  b: { shape: [3], data: [-1, 2, 1] },
};
export const cube = (x: ArrayLike<number>): number[] => Array.from(x, (value) => value ** 3);
export const product = (x: ArrayLike<number>, v: ArrayLike<number>): number[] => Array.from(x, (value, i) => 3 * value ** 2 * (v[i] ?? 0));
export const newton = (more: Parameters<typeof lre>[0] = {}): Rule =>
  lre({
    learningRate: 0.2,
    curvature: sr1(),
    basis: direct({ rank: 7, beta: null, updateDamping: 0.1 }),
    inner: [lInv(), clipNorm()],
    ...more,
  });

/** The objective at live parameters, noting what it is asked. */
export function objectiveOf(
  parameters: Values<Name>,
  log: string[] = [],
): Required<Pick<Objective<Name, 'sync'>, 'hvp' | 'loss'>> & Objective<Name, 'sync'> {
  const noted = <T>(what: string, value: T): T => {
    log.push(what);
    return value;
  };
  return {
    gradients: (at = parameters) => noted(at === parameters ? 'gradients' : 'shifted', mapValues(at, cube)),
    hvp: (v) =>
      noted(
        'hvp',
        mapValues(v, (part, name) => product(parameters[name], part)),
      ),
    loss: () =>
      noted(
        'loss',
        values(parameters).reduce((sum, x) => sum + x ** 4 / 4, 0),
      ),
  };
}

export const values = (parameters: Readonly<Record<string, ArrayLike<number>>>): number[] =>
  Object.values(parameters).flatMap((part) => Array.from(part));
