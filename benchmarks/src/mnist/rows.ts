import { chain, type Floats, perTensor, type Rule, rule, type Transform } from '@opt/core';
import {
  blockStiefel,
  doublyStochastic,
  grassmannian,
  hypersphere,
  l1Stiefel,
  type ManifoldRule,
  muon,
  oblique,
  type Role,
  slMuon,
  spectralSphere,
  stiefel,
  symplectic,
} from '@opt/geometric';
import { adam, adamw, decay, descend, sgd } from '@opt/transforms';
import { householderQ } from './householder.ts';
import type { Weights } from './network.ts';

/** One row of the table: how its optimizer is made. */
export interface Row {
  readonly name: string;
  /** `repository`: as vukrosic/custom-optimizer-research had it. `corrected`: the algorithm its name promises. */
  readonly kind: 'repository' | 'corrected';
  make(): Transform | ManifoldRule;
  /** Parameters that no rule of the original ever saw. */
  readonly frozen: readonly string[];
  /** What the original did at construction, as after step 0, and after steps. */
  readonly afterStep?: (step: number, weights: Weights) => void;
}

/** AdamW as every row has it for what its own rule leaves out. */
const aux = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
const base = { ...aux, mode: 'projected', base: 'adamw', aux } as const;
const quinticOnWeights = { ...base, projection: 'newton-schulz', nsSteps: 3, projectionEpsilon: 1e-7 } as const;

/** Roles that put the named layers' weights under the matrix rule. */
const hidden = (...layers: readonly string[]) => ({
  roles: (name: string): Role => (layers.includes(name.split('.')[0] ?? '') && name.endsWith('weight') ? 'hidden' : 'head'),
});
const [fc1, fc2, both, all] = [hidden('fc1'), hidden('fc2'), hidden('fc1', 'fc2'), hidden('fc1', 'fc2', 'fc3')];

const row = (kind: Row['kind'], name: string, make: Row['make'], more: Partial<Row> = {}): Row => ({
  kind,
  name,
  make,
  frozen: [],
  ...more,
});
const repository = (name: string, make: Row['make'], more?: Partial<Row>): Row => row('repository', name, make, more);
const corrected = (name: string, make: Row['make']): Row => row('corrected', name, make);

/** In the order of the seed's table. */
export const rows: readonly Row[] = [
  repository('adamw', () => adamw(aux)),
  // No parameter name holds 'q_proj' or the like, so no block is ever projected: AdamW, bit for bit.
  repository('block-stiefel', () => adamw(aux)),
  repository('sl-muon', () => slMuon({ ...quinticOnWeights, ...fc2 })),
  repository('oblique', () => oblique({ ...base, ...all, projectionEpsilon: 1e-8 })),
  repository('l1-stiefel', () => l1Stiefel({ ...quinticOnWeights, ...all, l1Weight: 1e-4, l1Mode: 'absolute' })),
  repository('sgd', () => sgd({ learningRate: 0.01, momentum: 0.9 })),
  repository('muon', () => muon({ ...all }), { frozen: ['fc3.bias'] }),
  // Its symplectic correction is identically zero: what is left is ‖fc2‖_F = 256.
  repository('symplectic', () => hypersphere({ ...base, ...fc2, axis: 'tensor', radius: 256, projectionEpsilon: 0 })),
  repository('doubly-stochastic', () =>
    doublyStochastic({ ...base, ...fc2, projection: 'exp-sinkhorn', sinkhornIterations: 10, projectionEpsilon: 1e-10 }),
  ),
  repository('grassmannian', seedGrassmannian, { afterStep: seedRetraction }),
  corrected('stiefel', () => stiefel({ ...both, aux })),
  corrected('block-stiefel', () => blockStiefel({ ...both, aux, blocks: 4 })),
  corrected('l1-stiefel', () => l1Stiefel({ ...both, aux })),
  corrected('oblique', () => oblique({ ...both, aux })),
  corrected('spectral-sphere', () => spectralSphere({ ...both, aux })),
  corrected('muon', () => muon({ ...both, aux })),
  corrected('sl-muon', () => slMuon({ ...fc2, aux, learningRate: 0.005, compactDecay: 0 })),
  corrected('sl-muon-decay', () => slMuon({ ...fc2, aux })),
  corrected('symplectic', () => symplectic({ ...fc2, aux, learningRate: 0.005, compactDecay: 0 })),
  corrected('symplectic-decay', () => symplectic({ ...fc2, aux })),
  corrected('doubly-stochastic', () => doublyStochastic({ ...fc2, aux, sinkhornIterations: 30 })),
  corrected('grassmannian', () => grassmannian({ ...fc1, aux })),
];

/** The seed's Grassmannian, a bug that `@opt/geometric` does not offer: (I − WWᵀ)G for unit rows is no projection and climbs. */
function seedGrassmannian(): Rule {
  const project = perTensor({
    name: 'seed-grassmannian',
    apply: ({ update, parameter: w }) =>
      w.shape.length < 2 ? {} : { update: w.matmul(w.matmul(update, { transposeA: true }), { alpha: -1, add: update }) },
  });
  const { beta1, beta2, epsilon, learningRate, weightDecay } = aux;
  return rule(chain(project, adam({ beta1, beta2, epsilon })), decay({ learningRate, weightDecay }), descend({ learningRate }));
}

/** At construction and every tenth step: rows of fc1 and fc3 to unit length, fc2 to the Q of its QR decomposition. */
function seedRetraction(step: number, weights: Weights): void {
  if (step % 10 !== 0) return;
  unitRows(weights['fc1.weight'], 784);
  unitRows(weights['fc3.weight'], 256);
  householderQ(weights['fc2.weight'], 256);
}

function unitRows(w: Floats, width: number): void {
  for (let start = 0; start < w.length; start += width) {
    const vector = w.subarray(start, start + width);
    let square = 0;
    for (const x of vector) square += x * x;
    const length = Math.sqrt(square);
    for (let i = 0; i < width; i++) vector[i] = (vector[i] ?? 0) / (length + 1e-8);
  }
}
