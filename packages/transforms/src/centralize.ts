import { choice, perTensor, resolve, saturate, size, type Transform } from '@opt/core';

export interface CentralizeOptions {
  /** Which axis outputs are along: the first ('out-in', default; kernels [out, in, k…]) or the last ('in-out'; kernels [k…, in, out]). */
  readonly layout?: 'out-in' | 'in-out';
}

/**
 * Gradient centralisation (Yong et al. 2020): from the gradient of each output's weights its mean is taken, u ← u − mean(u) over all axes but
 * that of outputs. Vectors, scalars and layers of one input, of which nothing would be left, stay as they are. Before a rule it centralises gradients, behind one directions.
 *
 * @throws OptionTypeError, naming the option
 */
export function centralize(options: CentralizeOptions = {}): Transform {
  const { layout } = resolve('centralize', options, { layout: choice('out-in', ['out-in', 'in-out']) });
  return perTensor({
    name: 'centralize',
    apply({ update: u, site }) {
      const outputs = layout === 'out-in' ? 0 : u.shape.length - 1;
      if (u.shape.length < 2 || size(u.shape) === u.shape[outputs]) return {};
      const others = u.shape.flatMap((_, axis) => (axis === outputs ? [] : [axis]));
      return { update: saturate(u.sub(u.mean(others, { keep: true })), site.largest) };
    },
  });
}
