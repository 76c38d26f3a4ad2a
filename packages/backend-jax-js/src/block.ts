import { BackendError, type Block, type Node, size } from '@opt/core';
import type { Constants } from './constants.ts';
import { Held } from './held.ts';
import { type HostKernel, hostKernel } from './host.ts';
import type { JaxDevice } from './jax.ts';
import { settle } from './jax.ts';
import { Segment } from './segment.ts';
import { isConstant, type Step, steps } from './steps.ts';

/** What the pieces of one program share. */
export interface Setting {
  readonly device: JaxDevice;
  readonly constants: Constants;
  /** Told of every compilation by jax-js. */
  readonly traced: () => void;
}

/** What a block reads from outside; the caller releases what it is given. */
export interface Frame {
  input(key: string): Held;
  readonly parameters: readonly Held[];
}

type Piece =
  | { readonly kind: 'segment'; readonly segment: Segment }
  | { readonly kind: 'kernel'; readonly node: number; readonly run: HostKernel }
  | { readonly kind: 'loop'; readonly node: number; readonly loop: Loop }
  | { readonly kind: 'part'; readonly node: number; readonly from: number; readonly index: number };

/** The values of one run, by position; what has parts keeps them under its own. */
class Values {
  private readonly parts = new Map<number, readonly Held[]>();

  set(position: number, held: readonly Held[]): void {
    this.parts.set(position, held);
  }

  get(position: number, index = 0): Held {
    const held = this.parts.get(position)?.[index];
    if (held === undefined) throw new BackendError(`jax-js: node ${position} is used before it is computed`);
    return held;
  }

  release(): void {
    for (const held of this.parts.values()) for (const one of held) one.release();
    this.parts.clear();
  }
}

/** A block made ready: compiled segments, with the host's work between them. */
export class BlockRunner {
  private readonly block: Block;
  private readonly setting: Setting;
  private readonly pieces: readonly Piece[];

  constructor(block: Block, setting: Setting) {
    this.block = block;
    this.setting = setting;
    this.pieces = steps(block).map((step) => this.piece(step));
  }

  /** One run: the block's results, which the caller releases. */
  run(frame: Frame): Held[] {
    const values = new Values();
    try {
      this.block.nodes.forEach((node, position) => {
        const held = this.source(node, frame);
        if (held !== undefined) values.set(position, [held]);
      });
      for (const piece of this.pieces) this.execute(piece, values);
      return this.block.results.map((result) => values.get(result).share());
    } finally {
      values.release();
    }
  }

  dispose(): void {
    for (const piece of this.pieces) {
      if (piece.kind === 'segment') piece.segment.dispose();
      if (piece.kind === 'loop') piece.loop.dispose();
    }
  }

  private piece(step: Step): Piece {
    const { nodes } = this.block;
    if (step.kind === 'compiled')
      return { kind: 'segment', segment: new Segment(step, nodes, this.setting.constants, this.setting.traced) };
    const node = nodes[step.node];
    if (node === undefined) throw new BackendError(`jax-js: there is no node ${step.node}`);
    const { operation } = node;
    if (operation.op === 'part') return { kind: 'part', node: step.node, from: node.inputs[0] ?? -1, index: operation.index };
    if (operation.op === 'repeat') {
      const { times, body, until } = operation;
      const loop = new Loop(times, new BlockRunner(body, this.setting), until && new BlockRunner(until, this.setting), body.results.length);
      return { kind: 'loop', node: step.node, loop };
    }
    const shapes = node.inputs.map((input) => nodes[input]?.shape ?? []);
    return { kind: 'kernel', node: step.node, run: hostKernel(node, shapes) };
  }

  /** What is there before anything is computed. */
  private source(node: Node, frame: Frame): Held | undefined {
    const { operation, shape, dtype } = node;
    if (operation.op === 'input') return frame.input(operation.key).share();
    if (operation.op === 'parameter') return frame.parameters[operation.index]?.share();
    if (!isConstant(node)) return undefined;
    const { constants, device } = this.setting;
    const number = constants.number(node);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => (operation.op === 'iota' ? i : number));
    return Held.ofData(data, shape, dtype, device);
  }

  private execute(piece: Piece, values: Values): void {
    const { device } = this.setting;
    switch (piece.kind) {
      case 'segment': {
        const { segment } = piece;
        const results = segment.run(segment.inputs.map((input) => values.get(input).array()));
        segment.outputs.forEach((output, i) => {
          const result = results[i];
          if (result !== undefined) values.set(output, [Held.ofArray(result, device)]);
        });
        return;
      }
      case 'kernel': {
        const node = this.block.nodes[piece.node];
        if (node === undefined) return;
        const operands = node.inputs.map((input) => ({ data: values.get(input).data(), shape: values.get(input).shape }));
        const parts = piece.run(operands);
        const [, n = 1] = node.shape.slice(-2);
        const batch = node.shape.slice(0, -2);
        const shapes =
          parts.length === 1
            ? [node.shape]
            : [
                [...batch, n],
                [...batch, n, n],
              ];
        values.set(
          piece.node,
          parts.map((part, i) => Held.ofData(part, shapes[i] ?? [], node.dtype, device)),
        );
        return;
      }
      case 'loop': {
        const inputs = this.block.nodes[piece.node]?.inputs ?? [];
        values.set(piece.node, piece.loop.run(inputs.map((input) => values.get(input))));
        return;
      }
      case 'part':
        values.set(piece.node, [values.get(piece.from, piece.index).share()]);
    }
  }
}

/** A loop on the host around compiled rounds. */
class Loop {
  private readonly times: number;
  private readonly body: BlockRunner;
  private readonly until: BlockRunner | undefined;
  private readonly carried: number;

  constructor(times: number, body: BlockRunner, until: BlockRunner | undefined, carried: number) {
    this.times = times;
    this.body = body;
    this.until = until;
    this.carried = carried;
  }

  /** The carry after the loop; what it is given stays with the caller. */
  run(given: readonly Held[]): Held[] {
    const captured = given.slice(this.carried);
    let carry = given.slice(0, this.carried).map((held) => held.share());
    for (let round = 0; round < this.times; round++) {
      const parameters = [...carry, ...captured];
      if (this.ended(parameters)) break;
      const next = this.body.run(frameOf(parameters));
      for (const held of carry) held.release();
      carry = next;
      // Otherwise the memory of every round would be held until the last is read.
      settleHeld(carry);
    }
    return carry;
  }

  dispose(): void {
    this.body.dispose();
    this.until?.dispose();
  }

  private ended(parameters: readonly Held[]): boolean {
    if (this.until === undefined) return false;
    const [verdict] = this.until.run(frameOf(parameters));
    const ends = verdict !== undefined && verdict.data()[0] !== 0;
    verdict?.release();
    return ends;
  }
}

const frameOf = (parameters: readonly Held[]): Frame => ({
  parameters,
  input: (key) => {
    throw new BackendError(`jax-js: a loop body cannot read '${key}'`);
  },
});

function settleHeld(values: readonly Held[]): void {
  const arrays = values.map((held) => held.array());
  settle(arrays);
  for (const array of arrays) array.dispose();
}
