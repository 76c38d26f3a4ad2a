import { ObjectiveError } from '../../errors.ts';
import type { Need } from '../../transform/transform.ts';

const remedies: Readonly<Record<string, string>> = {
  gradient: 'call step(objective) with gradients(at)',
  loss: 'call step(objective) with loss()',
  hvp: 'call step(objective) with hvp(v), the product of the Hessian with v',
  perSampleGradients: 'call step(objective) with perSampleGradients() and samples, their number',
};

/** Says who needs what this step, and how to supply it. */
export function lacking(what: string, needs: readonly Need[], evaluated = false): ObjectiveError {
  const need = needs.find((one) => one.what === what && (one.evaluated !== undefined) === evaluated);
  const hint = need?.hint === undefined ? '' : `; ${need.hint}`;
  const at = need?.evaluated === 'shifted' ? ', which heeds the parameters `at` it is given' : '';
  const taken =
    need?.differences === undefined
      ? `${remedies[what] ?? ''}${at}`
      : 'call step(objective) with gradients(at), of which differences are taken';
  return new ObjectiveError(`step: ${need?.by ?? 'a stage'} needs ${what} in this step: ${taken}${hint}`);
}
