import { batchNorm } from './batch-norm.ts';
import { doubling, doublingByThree, halving, sliding } from './convolution.ts';
import { type Layer, plain, sequence } from './layer.ts';
import { relu } from './linear.ts';

/** Signals [n, length] with an axis for their one channel. */
export const oneChannel: Layer = plain((x) => x.reshape([...x.shape, 1]));

/**
 * [n, length] → [n, length, outputs] over a shorter signal of more channels: halved once per width, brought back by transposed
 * convolutions of width 3, then one of width 2, each of them followed by ReLU and batch norm; a convolution of width 2 as head, of
 * whose output the first `length` samples are kept.
 */
export function autoencoding(widths: readonly number[], length: number, outputs: number): Layer {
  const [first = 1] = widths;
  const encoder = widths.map((width, index) => [
    halving(`encoder${index}`, widths[index - 1] ?? 1, width),
    relu,
    batchNorm(`encoderNorm${index}`, width),
  ]);
  const back = [...widths].reverse();
  const decoder = back
    .slice(1)
    .map((width, index) => [doublingByThree(`decoder${index}`, back[index] ?? 1, width), relu, batchNorm(`decoderNorm${index}`, width)]);
  const upsampling = [doubling('upsample', first, first), relu, batchNorm('upsampleNorm', first)];
  const kept = plain((x) => x.slice([], [0, length]));
  return sequence(oneChannel, ...encoder.flat(), ...decoder.flat(), ...upsampling, sliding('head', first, outputs), kept);
}
