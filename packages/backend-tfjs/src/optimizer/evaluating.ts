import { allOf, type Floats, isPromise, type MaybePromise, type Mode, type Optimizer, whenDone } from '@opt/core';
import { keep, type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** What the parameters of an optimizer are judged with, by key, copied. */
export function judged({ evaluation }: Pick<Optimizer<string, Mode, Mode>, 'evaluation'>): MaybePromise<ReadonlyMap<string, Floats>> {
  const keys = Object.keys(evaluation);
  return whenDone(allOf(keys.map((key) => evaluation[key] ?? [])), (values) => {
    const entries = values.map((value, i): [string, Floats] => [keys[i] ?? '', Float32Array.from(value)]);
    return new Map(entries);
  });
}

/** Runs `f` while variables hold other values; what they held comes back, in the same data, however `f` ends, and then it is `over`. */
export function holding<T>(values: ReadonlyMap<Variable, Floats>, f: () => MaybePromise<T>, over: () => void): MaybePromise<T> {
  const before = new Map<Variable, Tensor>([...values.keys()].map((variable) => [variable, tidy(() => keep(variable.clone()))]));
  const restore = (): void => {
    for (const [variable, held] of before) {
      if (!variable.isDisposed) variable.assign(held);
      held.dispose();
    }
    over();
  };
  try {
    for (const [variable, value] of values) tidy(() => variable.assign(tensor(Float32Array.from(value), variable.shape, 'float32')));
    const result = f();
    if (isPromise(result)) return result.finally(restore);
    restore();
    return result;
  } catch (error) {
    restore();
    throw error;
  }
}
