import { jit, nn, numpy as np, random, tree, valueAndGrad } from '@jax-js/jax';
import { applyUpdates, toOptax } from '@opt/backend-jax-js';
import { soap } from '@opt/soap';
import { classCount, inputWidth, mnist1d } from './data.ts';

/** y = W₂·ReLU(W₁x + b₁) + b₂. */
type Params = { layers: { weight: np.Array; bias: np.Array }[] };

const layer = (seed: number, inputs: number, outputs: number): Params['layers'][number] => ({
  weight: random.uniform(random.key(seed), [inputs, outputs], { minval: -1, maxval: 1 }).mul(1 / Math.sqrt(inputs)),
  bias: np.zeros([outputs]),
});

/** Mean cross-entropy. Consumes its arguments, as every function of jax-js does. */
function loss({ layers }: Params, x: np.Array, y: np.Array): np.Array {
  let h = x;
  layers.forEach(({ weight, bias }, i) => {
    h = np.matmul(i === 0 ? h : nn.relu(h), weight).add(bias);
  });
  return np.mean(np.sum(nn.logSoftmax(h, 1).mul(y), 1)).neg();
}

/** Trains with SOAP; tells `report` the loss of every step. */
export function train(steps: number, report: (step: number, loss: number) => void): void {
  const batch = mnist1d();
  const lossAndGrads = jit(valueAndGrad(loss));
  const { init, update } = toOptax(soap({ learningRate: 1e-2 }));

  let params: Params = { layers: [layer(1, inputWidth, 100), layer(2, 100, classCount)] };
  let state = init(tree.ref(params));
  for (let step = 0; step < steps; step++) {
    const { x, y } = batch(step, 128);
    const [value, grads] = lossAndGrads(tree.ref(params), x, y);
    const [updates, next] = update(grads, state, tree.ref(params));
    params = applyUpdates(params, updates);
    state = next;
    report(step, value.item());
  }
  state.dispose();
  tree.dispose(params);
  lossAndGrads.dispose();
}
