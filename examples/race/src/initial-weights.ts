import { parameterShapes } from './model.ts';
import type { Draw } from './stream.ts';

/** Every parameter uniform in ±b, b = 1/√fan: (2u − 1)·b, computed in float64 and rounded once, in the order of the model. */
export const initialWeights = (draw: Draw): Readonly<Record<string, Float32Array>> =>
  Object.fromEntries(
    parameterShapes.map(({ name, size, fan }) => {
      const bound = 1 / Math.sqrt(fan);
      return [name, Float32Array.from({ length: size }, () => (2 * draw() - 1) * bound)];
    }),
  );
