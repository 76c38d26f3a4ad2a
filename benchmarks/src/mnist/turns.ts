import type { Runner } from './network.ts';
import type { Size } from './recorded.ts';
import type { Row } from './rows.ts';

/** On which side of 0 an input of a ReLU was in PyTorch's run, where rounding decides. */
export interface Turn {
  /** From 1. */
  readonly step: number;
  readonly layer: 1 | 2;
  /** In its batch. */
  readonly image: number;
  readonly unit: number;
  readonly open: boolean;
}

/**
 * Largest size of such an entry, as a part of the root mean square of its layer: products over 784 and 256 numbers, each rounded, of weights
 * that were rounded at every step. Inputs of runs whose losses agree to 10⁻⁶ differ by up to 9·10⁻⁵.
 */
const rounding = 1.5e-5;

const opened = (step: number, layer: 1 | 2, image: number, unit: number): Turn => ({ step, layer, image, unit, open: true });
const closed = (...at: Parameters<typeof opened>): Turn => ({ ...opened(...at), open: false });

/**
 * Whether a ReLU is open is decided by rounding where its input is a few 10⁻⁷: the order in which a product is summed says. Where that is
 * the only image of a batch that opens a unit, AdamW and polar factors make whole steps of its gradient, and two runs part for good. With
 * these on their recorded sides, ours follows the recorded runs to 3·10⁻⁵ or better.
 *
 * PyTorch 1.13 repeats recorded runs to 10⁻⁶ with OpenBLAS's kernels for SkylakeX, and parts from them as ours would with those for other
 * processors, or with a batch in another order. Sides are those of such a repeated run or, where only formulas are known, of a run of them
 * with sides turned until all twenty losses agreed to 10⁻⁶; those of repository/symplectic are of the original in double precision.
 */
const turns: Readonly<Record<Size, Readonly<Record<string, readonly Turn[]>>>> = {
  full: {
    'repository/adamw': [closed(3, 1, 30, 1)],
    'repository/block-stiefel': [closed(3, 1, 30, 1)],
    'repository/sl-muon': [closed(5, 2, 237, 212)],
    'repository/l1-stiefel': [
      opened(2, 1, 13, 81),
      opened(6, 2, 46, 246),
      opened(9, 1, 135, 82),
      closed(9, 1, 187, 154),
      closed(9, 2, 74, 109),
      closed(9, 2, 102, 135),
      opened(13, 2, 148, 33),
    ],
    'repository/symplectic': [closed(2, 2, 254, 77), opened(5, 1, 57, 74), closed(9, 2, 210, 19), closed(14, 1, 23, 64)],
    'corrected/block-stiefel': [opened(7, 1, 235, 176)],
    'corrected/sl-muon-decay': [opened(4, 2, 151, 237), closed(8, 1, 206, 221)],
    'corrected/symplectic': [
      opened(2, 1, 225, 61),
      opened(2, 1, 253, 87),
      opened(3, 2, 124, 242),
      opened(7, 1, 163, 101),
      closed(8, 2, 132, 35),
      closed(11, 2, 215, 150),
    ],
    'corrected/symplectic-decay': [
      opened(2, 1, 225, 61),
      opened(2, 1, 253, 87),
      opened(18, 2, 11, 255),
      opened(19, 1, 147, 190),
      opened(19, 2, 112, 186),
    ],
  },
  quick: {
    'repository/l1-stiefel': [opened(9, 2, 33, 119), closed(14, 2, 2, 78), opened(17, 1, 83, 31)],
    'repository/symplectic': [
      closed(2, 1, 107, 2),
      opened(2, 1, 238, 56),
      opened(2, 2, 189, 210),
      opened(5, 1, 22, 57),
      closed(7, 2, 163, 38),
      opened(14, 2, 108, 102),
    ],
    'corrected/block-stiefel': [opened(11, 2, 244, 154)],
    'corrected/grassmannian': [closed(4, 2, 218, 134)],
    'corrected/l1-stiefel': [closed(5, 2, 171, 255), closed(9, 2, 240, 26), closed(13, 1, 80, 189), opened(17, 2, 127, 222)],
    'corrected/symplectic': [
      closed(2, 2, 4, 104),
      closed(2, 2, 59, 201),
      closed(5, 2, 190, 150),
      opened(8, 1, 169, 189),
      opened(8, 2, 182, 142),
      closed(9, 2, 24, 42),
      opened(11, 2, 124, 183),
      closed(16, 2, 156, 125),
      closed(18, 2, 127, 237),
      closed(19, 1, 0, 186),
    ],
  },
};

export const turnsOf = (size: Size, { kind, name }: Pick<Row, 'kind' | 'name'>): readonly Turn[] => turns[size][`${kind}/${name}`] ?? [];

/** Runs a step with these inputs on their recorded sides; throws where for one of them that is no matter of rounding. */
export function runTurned(batch: Runner, weights: Parameters<Runner['run']>[0], turned: readonly Turn[]): ReturnType<Runner['run']> {
  const put = (side: (one: Turn) => number): void => {
    for (const one of turned) batch[`side${one.layer}`][256 * one.image + one.unit] = side(one);
  };
  put(({ open }) => (open ? 1 : -1));
  const { before1 = [], before2 = [], ...results } = batch.run(weights);
  put(() => 0);
  for (const { step, layer, image, unit } of turned) {
    const inputs = layer === 1 ? before1 : before2;
    let squares = 0;
    for (const x of inputs) squares += x * x;
    const size = Math.abs(inputs[256 * image + unit] ?? Number.NaN) / Math.sqrt(squares / inputs.length);
    if (!(size <= rounding)) throw new Error(`step ${step}: an input of ${size} of its layer is not within rounding of 0`);
  }
  return results;
}
