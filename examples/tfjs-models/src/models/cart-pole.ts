import {
  add,
  dispose,
  log,
  mean,
  mul,
  type NamedTensorMap,
  neg,
  sigmoid,
  sub,
  type Tensor,
  tensor2d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { normal, times, uniform } from '../data.ts';
import { forward, held, kernel, looping, type Program, trained } from '../program.ts';

const states = times(32, normal(7)).map((_, i) => times(4, normal(50 + i)));
/** To push where the pole falls, which two of the four numbers say. */
const wanted = states.map(([, , angle = 0, velocity = 0]) => Number(angle + 0.5 * velocity > 0));
const games = 4;

/**
 * Policy gradients: of every game, gradients of the logarithm of what was done, times its reward, are added up by name and applied at
 * once. The loss is minus the mean reward that is to be expected.
 */
export const cartPole: Program = {
  name: 'cart-pole',
  start: looping((make) => {
    const policy = sequential({
      layers: [
        layers.dense({ units: 8, activation: 'elu', inputShape: [4], kernelInitializer: kernel(1) }),
        layers.dense({ units: 1, kernelInitializer: kernel(2) }),
      ],
    });
    const optimizer = make(policy);
    const probabilities = (x: Tensor): Tensor => sigmoid(forward(policy, x));

    /** Minus the mean of log π(action) times reward. */
    const game = (x: Tensor, seed: number): NamedTensorMap => {
      const next = uniform(seed);
      const actions = [...tidy(() => probabilities(x)).dataSync()].map((p) => Number(next() < p));
      const rewards = tensor2d(actions.map((action, i) => [action === wanted[i] ? 1 : -1]));
      const taken = tensor2d(actions.map((action) => [action]));
      const { value, grads } = variableGrads(() => {
        const p = probabilities(x);
        const likelihood = add(mul(taken, p), mul(sub(1, taken), sub(1, p)));
        return neg(mean(mul(log(likelihood), rewards)));
      }, trained(policy));
      dispose(value);
      return grads;
    };

    return {
      optimizers: [optimizer],
      epoch: async () =>
        tidy(() => {
          const x = tensor2d(states);
          for (let step = 0; step < 5; step++) {
            const sums: NamedTensorMap = {};
            for (let i = 0; i < games; i++) {
              for (const [name, gradient] of Object.entries(game(x, games * step + i))) {
                const before = sums[name];
                sums[name] = before === undefined ? gradient : add(before, gradient);
              }
            }
            optimizer.applyGradients(sums);
          }
          const p = [...probabilities(x).dataSync()];
          return -p.reduce((total, one, i) => total + (wanted[i] === 1 ? 2 * one - 1 : 1 - 2 * one), 0) / p.length;
        }),
      ...held(policy),
    };
  }),
};
