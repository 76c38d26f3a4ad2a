import type { Transform } from '@opt/core';
import { serialization } from '@tensorflow/tfjs-core';
import { readOptions, type TfjsOptimizerOptions } from './optimizer/options.ts';
import { TransformOptimizer } from './optimizer/transform-optimizer.ts';

/**
 * A `tf.Optimizer` from any transform: for `model.compile`, `model.fit`, `optimizer.minimize` and `applyGradients`. It is
 * registered under `className`, so that `tf.loadLayersModel` finds it again: call this once, with the same transform, before loading; and
 * give transforms that differ names that do.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option and what it must be
 */
export function toTfjsOptimizer(transform: Transform, options: TfjsOptimizerOptions = {}): TransformOptimizer {
  const chosen = readOptions(isOurs, transform, options);
  class Registered extends TransformOptimizer {
    static readonly className: string = chosen.className;

    constructor(config: serialization.ConfigDict = {}) {
      super(chosen, config);
    }

    static override fromConfig<T extends serialization.Serializable>(
      cls: serialization.SerializableConstructor<T>,
      config: serialization.ConfigDict,
    ): T {
      return new cls(config);
    }
  }
  serialization.registerClass(Registered);
  return new Registered();
}

/** `instanceof` would take every optimizer of tfjs for one of ours: it asks for methods. */
const isOurs = (cls: unknown): boolean => typeof cls === 'function' && Object.getPrototypeOf(cls) === TransformOptimizer;
