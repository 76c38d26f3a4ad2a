import { type Hyperparameters, hyperparametersOf, type Transform } from '@opt/core';
import type { Variable } from '@tensorflow/tfjs-core';
import type { SavedParameter } from './saved-state.ts';
import type { SessionParameter } from './session.ts';

export const isGone = ({ variable }: SessionParameter): boolean => variable?.isDisposed === true;

/** Parameters with the variables they were found to be; those that are none of them come behind, each under a key of its own. */
export function meet(
  parameters: readonly (SavedParameter & { readonly variable?: Variable | undefined })[],
  variables: readonly Variable[],
  found: ReadonlyMap<string, { readonly key: string }>,
): SessionParameter[] {
  const met = new Map(variables.map((variable) => [found.get(variable.name)?.key, variable]));
  const keys = new Set(parameters.map(({ key }) => key));
  const newcomers = variables.filter(({ name }) => !found.has(name));
  return [
    ...parameters.map((one) => {
      const variable = one.variable ?? met.get(one.key);
      return { ...one, name: variable?.name ?? one.name, variable };
    }),
    ...newcomers.map((variable) => {
      const { name, shape } = variable;
      let key = name;
      for (let i = 2; keys.has(key); i++) key = `${name}#${i}`;
      keys.add(key);
      return { key, name, shape, variable, last: 0 };
    }),
  ];
}

/** The hyperparameters of a transform over parameters of every kind; over none, where it asks for names that only a model has. */
export function declaredBy(transform: Transform): Hyperparameters {
  try {
    return hyperparametersOf(transform, { matrix: [2, 2], vector: [2] });
  } catch {
    return hyperparametersOf(transform, {});
  }
}
