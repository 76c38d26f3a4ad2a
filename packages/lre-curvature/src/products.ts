import { choice, type Declarer, fixed, flag, type Option, type Resolved, type Tensor } from '@opt/core';
import type { CurvatureStep } from './curvature.ts';
import { type ProbeKind, previous, probe } from './probe.ts';

/** The options of every curvature made of products with the Hessian. */
export interface ProductOptions {
  /** The vector that is multiplied: drawn (`'normal'`, `'rademacher'`), the way since the last refresh (`'s'`), the gradient (`'g'`), or any of them. */
  readonly z?: ProbeKind;
  /** Free it from the basis and bring it to unit length. */
  readonly orthogonalize?: boolean;
  /** Exact products of the objective's `hvp` (default), or differences of its `gradients`. */
  readonly hvpMethod?: 'autograd' | 'forward' | 'central';
  /** Length of the shift for differences, > 0, default 1e-3. In f32 raise it with √d. */
  readonly h?: number;
}

export type ProductTable = Readonly<{
  z: Option<ProbeKind>;
  orthogonalize: Option<boolean>;
  hvpMethod: Option<'autograd' | 'forward' | 'central'>;
  h: Option<number>;
}>;

export const productOptions = (z: ProbeKind, orthogonalize: boolean): ProductTable => ({
  z: choice(z, ['normal', 'rademacher', 's', 'g', 'mixed']),
  orthogonalize: flag(orthogonalize),
  hvpMethod: choice('autograd', ['autograd', 'forward', 'central']),
  h: fixed(1e-3, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 }),
});

/** The half of a curvature that draws probes and reads their products. */
export interface Products {
  declare(owner: string, d: number, at: Declarer): void;
  probe(step: CurvatureStep): Tensor;
  /** The pair of a refresh. */
  read(step: CurvatureStep): { z: Tensor; Hz: Tensor };
}

export function products(name: string, { z, orthogonalize, hvpMethod: method, h }: Resolved<ProductTable>): Products {
  const remembers = z === 's' || z === 'mixed';
  return {
    declare(owner, d, at) {
      const hint = `or set hvpMethod to 'central', which needs gradients only`;
      at.needs({ what: 'hvp', by: name, ...(method === 'autograd' ? { hint } : { differences: { method, h } }) });
      if (remembers) at.slot(previous, owner, { shape: [d], kind: 'invariant' });
    },
    probe: (step) => probe(step, z, orthogonalize),
    read({ owner, site, gradient, parameter }) {
      if (remembers) site.set(previous, owner, parameter);
      return site.product(owner, gradient.shape);
    },
  };
}

/** aᵀb. */
export const dot = (a: Tensor, b: Tensor): Tensor => a.mul(b).sum();

/** What all curvatures made of products have in common. */
export const ofProducts = { rejects: true, offers: ['product'] } as const;
