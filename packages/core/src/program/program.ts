import type { Shape } from './shape.ts';

/**
 * A Program is plain data: what one step does, in the order of single assignment. It holds no closure, so it can be
 * printed, hashed, sent to a worker, or compiled by any backend.
 */

/** How state can be held in fewer bits; see `narrow.ts` for what the codes mean. */
export type Narrow = 'bf16' | 'f16' | 'int8' | 'uint8';

/**
 * `working` is the backend's ordinary precision, `wide` f64 where there is one, `int` an index. A narrow value is read from a buffer, made by
 * `encode`, chosen by `where`, and turned into numbers by `cast`; nothing else is done with it.
 */
export type DType = 'working' | 'wide' | 'int' | Narrow;

export type UnaryOp = 'neg' | 'abs' | 'sign' | 'sqrt' | 'exp' | 'log' | 'expm1' | 'floor' | 'sin' | 'cos' | 'isFinite';
export type BinaryOp = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'pow' | 'copySign' | 'lt' | 'le' | 'eq';
export type ReduceOp = 'sum' | 'maximum';

export const unaryOps: readonly UnaryOp[] = ['neg', 'abs', 'sign', 'sqrt', 'exp', 'log', 'expm1', 'floor', 'sin', 'cos', 'isFinite'];
export const binaryOps: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'max', 'min', 'pow', 'copySign', 'lt', 'le', 'eq'];

/**
 * What a node computes. `inputs` of the node, in order, are given as (a, b, …).
 *
 * - `input` reads the buffer `key`; `parameter` stands for the i-th input of a loop body.
 * - `literal` and `host` are scalars: a constant, and entry `index` of the scalars handed to each run.
 * - `random` (call): counter-based draws from (seed, stream, call).
 * - `encode` (x, call): codes of the node's narrow type, rounded up or down by a half of the random bits of (seed, stream, call); `keeps`: what
 *   is above 0 does not become 0.
 * - `matmul` (a, b, alpha[, c, beta]): α·op(a)·op(b) + β·c over the last two axes; the others broadcast.
 * - `row` (x, i), `setRow` (x, i, r): along axis 0. `gather` (x, index): NumPy's take.
 * - `eigh` (a): one buffer, first all values, ascending (part 0), then all vectors, in columns (part 1).
 * - `orthonormalize` (x): columns left to right, see `Tensor.orthonormalize`.
 * - `solveTriangular` (l, b): l⁻¹b, or l⁻ᵀb.
 * - `repeat` (…carry, …captured): part i is the i-th carried tensor after the loop.
 */
export type Operation =
  | { readonly op: 'input'; readonly key: string }
  | { readonly op: 'parameter'; readonly index: number }
  | { readonly op: 'literal'; readonly value: number }
  | { readonly op: 'host'; readonly index: number }
  | { readonly op: 'iota' }
  | { readonly op: 'random'; readonly distribution: Distribution; readonly seed: number; readonly stream: number }
  | { readonly op: 'encode'; readonly seed: number; readonly stream: number; readonly half: 0 | 1; readonly keeps: boolean }
  | { readonly op: UnaryOp | 'cast' }
  | { readonly op: BinaryOp }
  | { readonly op: 'where' }
  | { readonly op: ReduceOp; readonly axes: readonly number[]; readonly keep: boolean }
  | { readonly op: 'reshape' | 'broadcastTo' }
  | { readonly op: 'transpose'; readonly permutation: readonly number[] }
  | { readonly op: 'slice'; readonly starts: readonly number[] }
  | { readonly op: 'concat' | 'gather'; readonly axis: number }
  | { readonly op: 'row' | 'setRow' | 'argsort' }
  | { readonly op: 'matmul'; readonly transposeA: boolean; readonly transposeB: boolean }
  | { readonly op: 'eigh' | 'cholesky' }
  | { readonly op: 'orthonormalize'; readonly deficient: 'zero' | 'complete'; readonly tolerance: number }
  | { readonly op: 'solveTriangular'; readonly transpose: boolean }
  | { readonly op: 'repeat'; readonly times: number; readonly body: Block; readonly until: Block | undefined }
  | { readonly op: 'part'; readonly index: number };

export type OpName = Operation['op'];
export type Distribution = 'normal' | 'rademacher' | 'uniform';

/** Where a node was written: for errors, for `explain()`, and for batching (same stage, ordinal and shapes = one batch). */
export interface Origin {
  readonly stage: string;
  readonly owner: string;
  readonly ordinal: number;
}

export interface Node {
  readonly operation: Operation;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Positions of the operands in the block's `nodes`; always smaller than this node's own. */
  readonly inputs: readonly number[];
  /** The value equals its transpose: a contraction needs half the work. */
  readonly symmetric: boolean;
  readonly origin: Origin;
}

/** Straight-line code with results: a loop body (whose `parameter`s are the carry, then what it captured), or a whole program. */
export interface Block {
  readonly nodes: readonly Node[];
  readonly results: readonly number[];
}

export interface ProgramInput {
  readonly key: string;
  readonly node: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** `donates`: the input whose buffer takes the result, as if every read of the old value came first. */
export interface ProgramOutput {
  readonly key: string;
  readonly node: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly donates: string | undefined;
}

/** One line of host arithmetic in f64; `args` are earlier lines. */
export type HostLine =
  | { readonly op: 'literal'; readonly value: number }
  | { readonly op: 'hyper'; readonly index: number }
  | { readonly op: 'count'; readonly index: number }
  | { readonly op: 'call' }
  | { readonly op: HostOp; readonly args: readonly number[] };

export type HostOp = UnaryOp | BinaryOp | 'where';

/** What the host computes before each run: `scalars[i]` is the line that becomes the program's host scalar i. */
export interface HostProgram {
  readonly lines: readonly HostLine[];
  readonly scalars: readonly number[];
  /** Addresses of the live hyperparameters, in the order of `hyper` indices. */
  readonly hypers: readonly string[];
  /** Counters, in the order of `count` indices; a count includes the run at hand. */
  readonly counters: readonly string[];
}

export interface Program extends Block {
  readonly name: string;
  readonly inputs: readonly ProgramInput[];
  readonly outputs: readonly ProgramOutput[];
  readonly host: HostProgram;
}
