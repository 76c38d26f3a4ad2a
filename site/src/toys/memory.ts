import { wasm } from '@opt/backend-wasm';
import { createOptimizer, type Rule } from '@opt/core';
import { muon } from '@opt/geometric';
import { linalg } from '@opt/linalg';
import { adamw, sgd } from '@opt/transforms';
import { normals } from '../../../benchmarks/tasks/random/draws.ts';
import { colourOf } from '../../../examples/race/src/palette.ts';
import { stream } from '../../../examples/race/src/stream.ts';
import { pairs, steps } from './size.ts';

export interface Memory {
  /** Pair i is seen in proportion to 1/iˢ. */
  readonly exponent: number;
  /** Whether keys and values are random directions, orthonormal, or the axes. */
  readonly turned: boolean;
}

export interface Remembered {
  readonly label: string;
  readonly colour: string;
  /** Probability of the right value: [step, pair], step 0 before the first update. */
  readonly right: Float64Array;
}

const own = linalg({ fma: false });
const square = { m: pairs, n: pairs, k: pairs };

/** Another rate makes one of them faster or slower at all pairs alike: what to see is in which order it learns them. */
const learners = (): readonly { readonly name: string; readonly label: string; readonly rule: Rule }[] => [
  { name: 'muon', label: 'Muon', rule: muon({ learningRate: 0.7, momentum: 0.9, roles: () => 'hidden' }) },
  { name: 'adamw', label: 'AdamW', rule: adamw({ learningRate: 0.2, weightDecay: 0 }) },
  { name: 'sgd', label: 'SGD + momentum', rule: sgd({ learningRate: 10, momentum: 0.9 }) },
];

/**
 * A matrix W that is to answer key k_i with value v_i among all values: −Σ p_i log softmax(Vᵀ W k_i)_i, p_i ∝ 1/iˢ, W starts at 0, every step
 * sees all pairs.
 */
export function remember({ exponent, turned }: Memory): readonly Remembered[] {
  const draw = stream(0, 'data');
  const axes = Float64Array.from({ length: pairs * pairs }, (_, i) => (i % (pairs + 1) === 0 ? 1 : 0));
  const directions = (): Float64Array => (turned ? own.qr(normals(draw, pairs * pairs), pairs, pairs).q : axes);
  const [K, V] = [directions(), directions()];
  const weights = Float64Array.from({ length: pairs }, (_, i) => (i + 1) ** -exponent);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return learners().map(({ name, label, rule }): Remembered => {
    const backend = wasm({ fma: false });
    const parameters = { w: { shape: [pairs, pairs], data: new Float32Array(pairs * pairs) } };
    const optimizer = createOptimizer({ transform: rule, parameters, backend });
    const right = new Float64Array((steps + 1) * pairs);
    for (let step = 0; step <= steps; step++) {
      // Column i of VᵀWK: the logits of key i.
      const logits = own.matmul(V, own.matmul(Float64Array.from(optimizer.parameters.w), K, square), square, { transposeA: true });
      const error = probabilities(logits);
      for (let i = 0; i < pairs; i++) {
        right[step * pairs + i] = error[i * pairs + i] ?? 0;
        error[i * pairs + i] = (error[i * pairs + i] ?? 0) - 1;
        for (let j = 0; j < pairs; j++) error[j * pairs + i] = (error[j * pairs + i] ?? 0) * ((weights[i] ?? 0) / total);
      }
      optimizer.step({ w: own.matmul(V, own.matmul(error, K, square, { transposeB: true }), square) });
    }
    optimizer.dispose();
    backend.dispose();
    return { label, colour: colourOf(name), right };
  });
}

/** Softmax of each column. */
function probabilities(logits: Float64Array): Float64Array {
  const found = new Float64Array(logits.length);
  for (let i = 0; i < pairs; i++) {
    let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let j = 0; j < pairs; j++) most = Math.max(most, logits[j * pairs + i] ?? 0);
    for (let j = 0; j < pairs; j++) sum += Math.exp((logits[j * pairs + i] ?? 0) - most);
    for (let j = 0; j < pairs; j++) found[j * pairs + i] = Math.exp((logits[j * pairs + i] ?? 0) - most) / sum;
  }
  return found;
}
