import { chain, iota, type Rule, type Tensor, trace } from '@opt/core';
import { polar } from '@opt/geometric';
import { mergeDims, refreshed, soap } from '@opt/soap';
import { isRecord } from '../golden-case.ts';
import { runProgram } from '../run-program.ts';
import { type Family, type Hyperparameters, missingInput, shapesOf } from './family.ts';

/** Recorded runs name a polar factor behind the direction as an option. */
function withPolar({ polar: behind, ...options }: Hyperparameters): Rule {
  const rule = soap(options);
  return isRecord(behind) ? rule.mapDirection((direction) => chain(direction, polar(behind))) : rule;
}

export const soapFamily: Family = {
  optimizers: { soap: withPolar },
  components: {
    'soap-merge-dims':
      async ({ maxPreconditionDim }) =>
      async (inputs) => ({ merged: mergeDims(inputs['shape']?.data ?? [], Number(maxPreconditionDim)) }),
    'soap-basis-refresh': async (_, backend) => (inputs) =>
      runProgram(
        backend,
        trace(shapesOf(inputs), ({ covariance, basis, secondMoment }) => {
          if (covariance === undefined || basis === undefined || secondMoment === undefined) throw missingInput(inputs);
          const { Q, order } = refreshed(covariance, basis);
          return { secondMoment: secondMoment.gather(order, 0), weightedProjector: weightedProjector(Q) };
        }),
        inputs,
      ),
  },
};

/** Σ_j j·q_jq_jᵀ, j from 1: fixes a basis up to the signs of its columns. */
const weightedProjector = (Q: Tensor): Tensor => Q.mul(iota(Q.shape[1] ?? 1).add(1)).matmul(Q, { transposeB: true });
