import type { Runner } from './network.ts';
import type { Size } from './recorded.ts';
import type { Row } from './rows.ts';

/** An entry of what goes into a ReLU that PyTorch's run rounded to the other side of 0. */
export interface Turn {
  /** From 1. */
  readonly step: number;
  readonly layer: 1 | 2;
  /** In its batch. */
  readonly image: number;
  readonly unit: number;
}

/** Largest size of such an entry, as a part of the root mean square of its layer: products over 784 and 256 numbers, each rounded. */
const rounding = 4e-6;

const turn = (step: number, layer: 1 | 2, image: number, unit: number): Turn => ({ step, layer, image, unit });

/**
 * Whether a ReLU is open is decided by rounding where its input is a few 10⁻⁷: the order in which a product is summed says. Where that is
 * the only image of a batch that opens a unit, AdamW and polar factors make whole steps of its gradient, and two runs part for good. These
 * were found by turning, one at a time, the smallest inputs before the step at which a run parts from the recorded one: turned as well,
 * ours follows it to 10⁻⁶ in most rows. PyTorch 1.13 on another machine parts from the recorded AdamW run exactly as ours does.
 */
const turns: Readonly<Record<Size, Readonly<Record<string, readonly Turn[]>>>> = {
  full: {
    'repository/adamw': [turn(3, 1, 30, 1)],
    'repository/block-stiefel': [turn(3, 1, 30, 1)],
    'repository/sl-muon': [turn(5, 2, 237, 212)],
    'corrected/block-stiefel': [turn(7, 1, 235, 176)],
    'corrected/sl-muon-decay': [turn(4, 2, 151, 237), turn(8, 1, 206, 221)],
  },
  quick: {
    'repository/l1-stiefel': [turn(9, 2, 33, 119)],
    'corrected/block-stiefel': [turn(11, 2, 244, 154)],
    'corrected/grassmannian': [turn(4, 2, 218, 134)],
  },
};

export const turnsOf = (size: Size, { kind, name }: Pick<Row, 'kind' | 'name'>): readonly Turn[] => turns[size][`${kind}/${name}`] ?? [];

/** Runs a step with entries turned; throws where one of them is no matter of rounding. */
export function runTurned(batch: Runner, weights: Parameters<Runner['run']>[0], turned: readonly Turn[]): ReturnType<Runner['run']> {
  const at = ({ image, unit }: Turn): number => 256 * image + unit;
  for (const one of turned) batch[`sign${one.layer}`][at(one)] = -1;
  const { before1, before2, ...results } = batch.run(weights);
  for (const one of turned) {
    batch[`sign${one.layer}`][at(one)] = 1;
    const inputs = (one.layer === 1 ? before1 : before2) ?? [];
    let squares = 0;
    for (const x of inputs) squares += x * x;
    const size = Math.abs(inputs[at(one)] ?? Number.NaN) / Math.sqrt(squares / inputs.length);
    if (!(size <= rounding)) throw new Error(`step ${one.step}: an input of ${size} of its layer is not within rounding of 0`);
  }
  return results;
}
