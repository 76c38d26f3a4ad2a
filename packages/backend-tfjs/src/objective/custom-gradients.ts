import { BackendError } from '@opt/core';
import { engine, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core';

/** What `tf.customGrad` takes; tfjs does not export its name for it. */
type CustomGradient<T extends Tensor> = (...given: (Tensor | GradSaveFunc)[]) => {
  value: T;
  gradFunc: (dy: T, saved: Tensor[]) => Tensor | Tensor[];
};

/**
 * Operations of tfjs that bring a gradient of their own may compute it from results they saved (logSoftmax,
 * softmaxCrossEntropy), which the second derivative takes for constants. Inside a gradient of a gradient, using what was saved
 * and is no input throws. Gives a function that takes it back.
 */
export function refuseSavedResults(): () => void {
  const host = engine();
  const original = host.customGrad;
  const customGrad = original.bind(host);
  host.customGrad = <T extends Tensor>(f: CustomGradient<T>) => {
    const plain = customGrad(f);
    const careful = customGrad(withoutResults(f));
    return (...inputs: (Tensor | GradSaveFunc)[]): T => (host.state.gradientDepth < 2 ? plain(...inputs) : careful(...inputs));
  };
  return () => {
    host.customGrad = original;
  };
}

/** f with a gradient that may use the inputs that f saved, and nothing else of it. */
function withoutResults<T extends Tensor>(f: CustomGradient<T>): CustomGradient<T> {
  return (...given) => {
    const save = given.at(-1);
    let inputs: readonly boolean[] = [];
    const remember: GradSaveFunc = (tensors) => {
      inputs = tensors.map((tensor) => given.includes(tensor));
      if (typeof save === 'function') save(tensors);
    };
    const { value, gradFunc } = f(...given.slice(0, -1), remember);
    return {
      value,
      gradFunc: (dy, saved) =>
        gradFunc(
          dy,
          saved.map((copy, i) => (inputs[i] ? copy : untouchable(copy))),
        ),
    };
  };
}

const harmless: ReadonlySet<string | symbol> = new Set(['shape', 'size', 'dtype', 'rank']);

/** A tensor that may be handed about and must not be computed with. */
const untouchable = (tensor: Tensor): Tensor =>
  new Proxy(tensor, {
    get(target, property) {
      if (harmless.has(property)) return Reflect.get(target, property, target);
      throw new BackendError(
        'a gradient of a gradient through an operation of tfjs whose second derivative is wrong (logSoftmax or softmaxCrossEntropy); use crossEntropy of @opt/backend-tfjs',
      );
    },
  });
