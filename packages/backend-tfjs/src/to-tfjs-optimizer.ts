import type { Transform } from '@opt/core';
import { serialization } from '@tensorflow/tfjs-core';
import { type TfjsOptimizerOptions, TransformOptimizer } from './optimizer/transform-optimizer.ts';

/**
 * A `tf.Optimizer` from any transform: for `model.compile`, `model.fit`, `optimizer.minimize` and `applyGradients`. It is
 * registered under `className` (PascalCase, default `OptTransform`), so that `tf.loadLayersModel` finds it again: call this
 * once, with the same transform, before loading; and give transforms that differ names that do.
 */
export function toTfjsOptimizer(
  transform: Transform,
  options: TfjsOptimizerOptions & { readonly className?: string } = {},
): TransformOptimizer {
  const { className = 'OptTransform', ...rest } = options;
  class Registered extends TransformOptimizer {
    static readonly className: string = className;

    constructor(config: serialization.ConfigDict = {}) {
      super(transform, rest, config);
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
