import { reference } from '@opt/backend-reference';
import {
  type Basis,
  createOptimizer,
  full,
  inBasis,
  iota,
  mod,
  perTensor,
  rotation,
  rule,
  scalar,
  type Tensor,
  type Transform,
  where,
} from '@opt/core';

/** What a stage is given in one step, in ambient coordinates. */
export interface Inside {
  readonly g: readonly number[];
  readonly z?: readonly number[];
  readonly Hz?: readonly number[];
  /** [b, d]. */
  readonly J?: readonly (readonly number[])[];
}

export interface RunOptions {
  /** Whether half of the columns of the basis change their sign on every second step; default false: the basis is I throughout. */
  readonly flips?: boolean;
  readonly eigenvalues?: readonly number[];
  /** Steps on which the basis counts as changed; default every one. */
  readonly changed?: (t: number) => boolean;
}

/** Directions of a stage inside a basis that is I up to signs. */
export function runInside(
  inner: Transform,
  steps: readonly Inside[],
  { flips = false, eigenvalues, changed = () => true }: RunOptions = {},
): number[][] {
  const d = steps[0]?.g.length ?? 0;
  const constant = (values: readonly number[]): Tensor => values.reduce<Tensor>((all, x, i) => all.setRow(i, scalar(x)), full([d], 0));
  const signs = (t: number): Tensor => (flips && t % 2 === 1 ? where(mod(iota(d).working(), 2).eq(1), -1, 1) : full([d], 1));
  let call = 0;
  const basis: Basis = {
    name: 'basis',
    kinds: ['vector', 'diagonal', 'matrix', 'cubic'],
    extras: ['active', 'changed', 'eigenvalues', 'product', 'jacobian'],
    coordinates: (shape) => shape,
    declare: () => {},
    before(owner, _gradient, site) {
      site.phase(owner, () => `${call}`);
      if (call === 0) return {};
      return {
        move: rotation(
          iota(d)
            .reshape([d, 1])
            .eq(iota(d))
            .mul(signs(call).mul(signs(call - 1))),
        ),
      };
    },
    frame() {
      const now = steps[call];
      const sign = signs(call);
      const turned = (x: Tensor): Tensor => x.mul(sign);
      return {
        project: turned,
        unproject: turned,
        extras: {
          active: full([d], 1),
          changed: scalar(Number(changed(call))),
          ...(eigenvalues && { eigenvalues: constant(eigenvalues) }),
          ...(now?.z && { z: turned(constant(now.z)) }),
          ...(now?.Hz && { Hz: turned(constant(now.Hz)) }),
          ...(now?.J && {
            jacobian: now.J.reduce<Tensor>((all, row, i) => all.setRow(i, turned(constant(row))), full([now.J.length, d], 0)).T,
          }),
        },
      };
    },
  };
  const assign = perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) });
  const optimizer = createOptimizer({
    transform: rule(inBasis(basis, inner), assign),
    parameters: { x: { shape: [d], data: new Float64Array(d) } },
    backend: reference(),
  });
  return steps.map(({ g }) => {
    optimizer.step({ x: g });
    call++;
    return Array.from(optimizer.parameters.x);
  });
}
