/** Widths of the 4-layer MLP of MNIST-1D: 40 samples in, four hidden layers, 10 classes out; ReLU between layers. */
export const widths = [40, 64, 96, 128, 256, 10] as const;

export const inputWidth: number = widths[0];
export const classCount = 10;

/** One parameter of the model. `fan` is the number of inputs of its layer: weights start uniform in ±1/√fan. */
export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly fan: number;
}

/** The values of all parameters, or of all their gradients, by name; row-major. */
export type ParameterValues = Readonly<Record<string, Float32Array | Float64Array>>;

/** Weight [outputs, inputs] then bias [outputs], layer by layer: the order in which weights are drawn. */
export const parameterShapes: readonly ParameterShape[] = widths.slice(1).flatMap((outputs, layer) => {
  const inputs = widths[layer] ?? 0;
  return [
    { name: `layer${layer}.weight`, shape: [outputs, inputs], size: outputs * inputs, fan: inputs },
    { name: `layer${layer}.bias`, shape: [outputs], size: outputs, fan: inputs },
  ];
});

export const parameterCount: number = parameterShapes.reduce((sum, { size }) => sum + size, 0);
