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

/** Largest size of such an entry, as a part of the root mean square of its layer: products over 784 and 256 numbers, each rounded. */
const rounding = 4e-6;

const opened = (step: number, layer: 1 | 2, image: number, unit: number): Turn => ({ step, layer, image, unit, open: true });
const closed = (...at: Parameters<typeof opened>): Turn => ({ ...opened(...at), open: false });

/**
 * Whether a ReLU is open is decided by rounding where its input is a few 10⁻⁷: the order in which a product is summed says. Where that is
 * the only image of a batch that opens a unit, AdamW and polar factors make whole steps of its gradient, and two runs part for good. These
 * were found by turning, one at a time, the smallest inputs before the step at which a run parts from the recorded one: turned as well,
 * ours follows it to 10⁻⁶ in most rows. PyTorch 1.13 on another machine parts from the recorded AdamW run exactly as ours does.
 */
const turns: Readonly<Record<Size, Readonly<Record<string, readonly Turn[]>>>> = {
  full: {
    'repository/adamw': [closed(3, 1, 30, 1)],
    'repository/block-stiefel': [closed(3, 1, 30, 1)],
    'repository/sl-muon': [closed(5, 2, 237, 212)],
    'corrected/block-stiefel': [opened(7, 1, 235, 176)],
    'corrected/sl-muon-decay': [opened(4, 2, 151, 237), closed(8, 1, 206, 221)],
  },
  quick: {
    'repository/l1-stiefel': [opened(9, 2, 33, 119)],
    'corrected/block-stiefel': [opened(11, 2, 244, 154)],
    'corrected/grassmannian': [closed(4, 2, 218, 134)],
  },
};

export const turnsOf = (size: Size, { kind, name }: Pick<Row, 'kind' | 'name'>): readonly Turn[] => turns[size][`${kind}/${name}`] ?? [];

/** Runs a step with these inputs on their recorded sides; throws where for one of them that is no matter of rounding. */
export function runTurned(batch: Runner, weights: Parameters<Runner['run']>[0], turned: readonly Turn[]): ReturnType<Runner['run']> {
  const at = ({ image, unit }: Turn): number => 256 * image + unit;
  const before = batch.run(weights);
  for (const one of turned) {
    const inputs = before[`before${one.layer}`] ?? [];
    const input = inputs[at(one)] ?? Number.NaN;
    let squares = 0;
    for (const x of inputs) squares += x * x;
    const size = Math.abs(input) / Math.sqrt(squares / inputs.length);
    if (!(size <= rounding)) throw new Error(`step ${one.step}: an input of ${size} of its layer is not within rounding of 0`);
    if (input > 0 !== one.open) batch[`sign${one.layer}`][at(one)] = -1;
  }
  const { before1: _1, before2: _2, ...results } = batch.run(weights);
  for (const one of turned) batch[`sign${one.layer}`][at(one)] = 1;
  return results;
}
