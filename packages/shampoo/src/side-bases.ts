import {
  allFinite,
  alongAxis,
  axisGram,
  type Basis,
  type Frame,
  type Hyper,
  iota,
  required,
  type Shape,
  type Site,
  saturate,
  size,
  type Tensor,
  where,
} from '@opt/core';

export interface SideBasesOptions {
  readonly name: string;
  /** β₂ of the factors. */
  readonly beta2: Hyper;
  readonly inverseEvery: number;
  /** Sides of this length, and longer ones, have no basis. */
  readonly maxDim: number;
}

/**
 * The eigenvectors of both sides of a matrix, all of them made anew at the end of steps 1, f, 2f, …:
 *
 *     A_k ← β₂A_k + (1−β₂)·G₍k₎G₍k₎ᵀ     Q_k ← eigenvectors of A_k, at first I          [d_k, d_k]
 *
 * They serve from the next step on; directions the data leave open are completed as in SOAP. Other tensors have no basis. Where a backend
 * defers the decomposition of a long side, that side keeps its basis until the new one has come.
 */
export function sideBases({ name, beta2, inverseEvery, maxDim }: SideBasesOptions): Basis {
  const sides = (shape: Shape): number[] => (shape.length === 2 ? [0, 1].filter((k) => (shape[k] ?? 1) < maxDim) : []);
  const phaseAt = (step: number): 'refresh' | 'step' => (step === 1 || step % inverseEvery === 0 ? 'refresh' : 'step');

  function frame(owner: string, shape: Shape, site: Site): Frame {
    const bases = sides(shape).map((k) => [k, site.get(`Q${k}`, owner)] as const);
    return {
      project: (x) => bases.reduce((y, [k, Q]) => alongAxis(y, k, Q, { transpose: true }), x),
      unproject: (x) => bases.reduce((y, [k, Q]) => alongAxis(y, k, Q), x),
    };
  }

  return {
    name,
    kinds: ['vector'],
    coordinates: (shape) => shape,
    declare(owner, shape, at) {
      at.hyper(beta2);
      for (const k of sides(shape)) {
        const d = shape[k] ?? 1;
        at.slot(`A${k}`, owner, { shape: [d, d], kind: 'matrix', symmetric: true });
        at.slot(`Q${k}`, owner, { shape: [d, d], kind: 'matrix', init: 'identity' });
      }
    },
    // Products of gradients are kept within what there are numbers for.
    before: (_, gradient, site) => ({ gradient: saturate(gradient, site.largest, 2, size(gradient.shape)) }),
    frame,
    after(owner, gradient, site) {
      const due = site.phase(owner, phaseAt) === 'refresh';
      const beta = site.hyper(beta2);
      const old = frame(owner, gradient.shape, site);
      let turned = false;
      for (const k of sides(gradient.shape)) {
        const A = axisGram(gradient, k, { alpha: beta.not(), add: site.get(`A${k}`, owner), beta });
        site.set(`A${k}`, owner, A);
        const found = site.later(`Q${k}`, owner, due, () => ({ A }), eigenvectors);
        if (found === undefined) continue;
        const Q = required(found, 'Q', 'result');
        site.set(`Q${k}`, owner, where(allFinite(Q), Q, site.get(`Q${k}`, owner)));
        turned = true;
      }
      if (!turned) return {};
      const now = frame(owner, gradient.shape, site);
      return { move: { vector: (m) => now.project(old.unproject(m)) } };
    },
  };
}

/** What is counted as zero, relative to the largest eigenvalue. */
const tolerance = 1e-6;

/** Eigenvectors of A in the best precision there is, eigenvalues descending; directions the data leave open are completed. */
function eigenvectors({ A }: { readonly A: Tensor }): { readonly Q: Tensor } {
  const [d = 1] = A.shape;
  const { values, vectors } = A.wide().eigh();
  const kept = values.gt(values.row(d - 1).mul(tolerance));
  const descending = iota(d)
    .mul(-1)
    .add(d - 1)
    .int();
  return { Q: vectors.mul(kept).gather(descending, 1).orthonormalize('complete', tolerance).working() };
}
