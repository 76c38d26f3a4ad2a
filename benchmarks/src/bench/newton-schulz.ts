import { norm, partition, perTensor, type Rule, rule, type Tensor, type Transform } from '@opt/core';
import { adam, decay, descend } from '@opt/transforms';

/** x ← ax + (bA + cA²)x with A = xxᵀ, five times: singular values in (0, 1] go to about 1. */
export const steps = 5;
export const [a, b, c] = [3.4445, -4.775, 2.0315] as const;
const momentum = 0.95;

function orthogonalized(update: Tensor): Tensor {
  const [rows = 1, columns = 1] = update.shape;
  const tall = rows > columns;
  let x = (tall ? update.T : update).div(norm(update).add(1e-7));
  for (let step = 0; step < steps; step++) {
    const gram = x.matmul(x, { transposeB: true });
    const polynomial = gram.matmul(gram, { alpha: c, add: gram, beta: b });
    x = polynomial.matmul(x, { add: x, beta: a });
  }
  return tall ? x.T : x;
}

/** A direction for matrices: the polar factor of Nesterov momentum, nearly. */
const newtonSchulz = (): Transform =>
  perTensor({
    name: 'newton-schulz',
    state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
    apply({ update: g, state: { m } }) {
      const m1 = m.mul(momentum).add(g);
      const longest = Math.max(...g.shape);
      return { update: orthogonalized(g.add(m1.mul(momentum))).mul(0.2 * Math.sqrt(longest)), state: { m: m1 } };
    },
  });

/** Muon-like: matrices by Newton–Schulz, everything else by AdamW. */
export const muonLike = (): Rule => {
  const rates = { learningRate: 1e-3 };
  const moves = [decay({ ...rates, weightDecay: 0.01 }), descend(rates)] as const;
  return rule(
    partition({ matrices: newtonSchulz(), rest: adam() }, (_, shape) => (shape.length === 2 ? 'matrices' : 'rest')),
    ...moves,
  );
};
