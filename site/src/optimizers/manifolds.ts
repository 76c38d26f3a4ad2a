import type { Rule, Shape } from '@opt/core';
import {
  blockStiefel,
  doublyStochastic,
  grassmannian,
  hypersphere,
  l1Stiefel,
  oblique,
  slMuon,
  spectralBall,
  spectralSphere,
  stiefel,
  symplectic,
} from '@opt/geometric';
import type { OptimizerEntry } from './entry.ts';

interface More {
  readonly file?: string;
  readonly written?: string;
  readonly shape?: Shape;
}

const on = (
  name: string,
  title: string,
  recorded: string,
  make: () => Rule,
  lead: string,
  when: string,
  whenNot: string,
  { file = `optimizers/${recorded}.ts`, written = `${name}()`, shape }: More = {},
): OptimizerEntry => ({ name, title, from: 'geometric', file, make, written, recorded, lead, when, whenNot, ...(shape && { shape }) });

/** Steepest descent on the manifolds weights can live on. */
export const manifolds: readonly OptimizerEntry[] = [
  on(
    'stiefel',
    'Stiefel',
    'stiefel',
    () => stiefel(),
    'Matrices with orthonormal columns, all singular values one.',
    'Layers that should keep lengths: WᵀW = I after every step, recurrent weights above all.',
    'Layers that have to scale what passes through them; give those a gain of their own.',
  ),
  on(
    'blockStiefel',
    'Block Stiefel',
    'block-stiefel',
    () => blockStiefel({ blocks: 2 }),
    'Matrices whose blocks have orthonormal columns.',
    'Heads of an attention: every block orthonormal by itself.',
    'Blocks that have to be orthogonal to one another; that is `stiefel`.',
    { written: 'blockStiefel({ blocks: 2 })' },
  ),
  on(
    'l1Stiefel',
    'Sparse Stiefel',
    'l1-stiefel',
    () => l1Stiefel(),
    'Orthonormal columns, and steps that change few entries.',
    'Steps on the Stiefel manifold that should change few entries.',
    'Large matrices in tight loops: thirty rounds of dual ascent a step.',
  ),
  on(
    'oblique',
    'Oblique',
    'oblique',
    () => oblique(),
    'Matrices whose columns have norm one.',
    'Rows or columns that are directions: prototypes, dictionary atoms, cosine classifiers.',
    'A constant rate with the default direction: it turns every vector by the same angle, so let the rate fall.',
    { file: 'optimizers/sphere.ts' },
  ),
  on(
    'hypersphere',
    'Hypersphere',
    'hypersphere',
    () => hypersphere(),
    'Tables whose rows have norm one.',
    'Embedding tables whose rows have norm 1.',
    'Embeddings whose length carries a frequency.',
    { file: 'optimizers/sphere.ts' },
  ),
  on(
    'spectralSphere',
    'Spectral sphere',
    'spectral-sphere',
    () => spectralSphere(),
    'Matrices whose largest singular value is one.',
    'A Lipschitz constant that is exact: the largest singular value stays r.',
    'Layers that should be able to fade.',
    { file: 'optimizers/spectral.ts' },
  ),
  on(
    'spectralBall',
    'Spectral ball',
    'spectral-ball',
    () => spectralBall(),
    'Matrices whose largest singular value is at most one.',
    'A Lipschitz bound: the largest singular value stays at most r, small weights are left alone.',
    'Where one large direction is wanted: all shrink together.',
    { file: 'optimizers/spectral.ts' },
  ),
  on(
    'grassmannian',
    'Grassmannian',
    'grassmannian',
    () => grassmannian(),
    'Subspaces: what the columns span, not the columns.',
    'Subspaces: principal components, low-rank factors whose other side absorbs a rotation.',
    'Losses that see the basis, not only what it spans; `verticalFraction` near 1 says so.',
  ),
  on(
    'slMuon',
    'SL(n)',
    'sl-muon',
    () => slMuon(),
    'Square matrices of determinant one.',
    'Square layers that keep volume: normalising flows.',
    'Matrices that come near a singular one; `compactDecay` bounds their condition.',
    { file: 'optimizers/groups.ts', shape: [4, 4] },
  ),
  on(
    'symplectic',
    'Symplectic',
    'symplectic',
    () => symplectic(),
    'Square matrices that keep the symplectic form.',
    'Hamiltonian networks and optics: WᵀJW = J after every step.',
    'Everything without such a structure.',
    { file: 'optimizers/groups.ts', shape: [4, 4] },
  ),
  on(
    'doublyStochastic',
    'Doubly stochastic',
    'doubly-stochastic',
    () => doublyStochastic(),
    'Matrices without a negative entry whose rows and columns sum to constants.',
    'Permutations, assignments, mixing weights.',
    'A dense layer: under this constraint it can only average.',
  ),
];
