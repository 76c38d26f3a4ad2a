import { BackendError, type Node, type Shape, sameShape, size } from '@opt/core';
import * as tf from '@tensorflow/tfjs-core';

type Operand = tf.Tensor | number;

/** Computes one node with operations of tfjs. Conditions and indices are numbers in f32 between nodes. */
export type TensorKernel = (operands: readonly Operand[]) => tf.Tensor;

/** The kernel of a node, from its operands' shapes; operations that tfjs lacks have none. */
export function tensorKernel(node: Node, shapes: readonly Shape[]): TensorKernel {
  const { operation, shape } = node;
  switch (operation.op) {
    case 'where':
      return ([c, a, b]) => tf.where(tf.notEqual(given(c), 0), given(a), given(b));
    case 'iota':
      return () => tf.range(0, shape[0] ?? 0, 1, 'float32');
    case 'cast':
      return node.dtype === 'int' ? ([x]) => truncate(given(x)) : ([x]) => tf.clone(given(x));
    case 'sum':
      return ([x]) => tf.sum(given(x), [...operation.axes], operation.keep);
    case 'maximum':
      return ([x]) => tf.max(given(x), [...operation.axes], operation.keep);
    case 'reshape':
      return ([x]) => tf.reshape(given(x), [...shape]);
    case 'broadcastTo':
      return ([x]) => (typeof x === 'number' ? tf.fill([...shape], x, 'float32') : tf.broadcastTo(given(x), [...shape]));
    case 'transpose':
      return ([x]) => tf.transpose(given(x), [...operation.permutation]);
    case 'slice':
      return ([x]) => tf.slice(asTensor(x), [...operation.starts], [...shape]);
    case 'concat':
      return (parts) => tf.concat(parts.map(asTensor), operation.axis);
    case 'gather':
      return ([x, index]) => tf.gather(given(x), tf.cast(given(index), 'int32'), operation.axis);
    case 'row':
      return ([x, index]) => tf.reshape(rowOf(asTensor(x), given(index)), [...shape]);
    case 'setRow':
      return ([x, index, row]) => withRow(asTensor(x), given(index), asTensor(row));
    case 'argsort':
      return ([x]) => argsort(asTensor(x));
    case 'matmul':
      return matmul(shape, shapes, operation.transposeA, operation.transposeB);
    default:
      return elementwise(operation.op);
  }
}

const given = (operand: Operand | undefined): Operand => {
  if (operand === undefined) throw new BackendError('tfjs: an operand is missing');
  return operand;
};

const asTensor = (operand: Operand | undefined): tf.Tensor => {
  const there = given(operand);
  return typeof there === 'number' ? tf.scalar(there) : there;
};

const bits = (condition: tf.Tensor): tf.Tensor => tf.cast(condition, 'float32');

function elementwise(op: string): TensorKernel {
  const one = unary[op];
  if (one !== undefined) return ([x]) => one(given(x));
  const two = binary[op];
  if (two !== undefined) return ([a, b]) => two(given(a), given(b));
  throw new BackendError(`tfjs: unknown operation '${op}'`);
}

const unary: Readonly<Record<string, (x: Operand) => tf.Tensor>> = {
  neg: (x) => tf.neg(x),
  abs: (x) => tf.abs(x),
  // tf.sign gives 0 for NaN, and on wasm for small numbers.
  sign: (x) => tf.where(tf.isNaN(x), x, tf.sub(bits(tf.greater(x, 0)), bits(tf.less(x, 0)))),
  sqrt: (x) => tf.sqrt(x),
  exp: (x) => tf.exp(x),
  log: (x) => tf.log(x),
  expm1: (x) => tf.expm1(x),
  floor: (x) => tf.floor(x),
  // tf.sin on wasm gives 0 for small numbers.
  sin: (x) => tf.where(tf.less(tf.abs(x), 1e-4), x, tf.sin(x)),
  cos: (x) => tf.cos(x),
  isFinite: (x) => bits(tf.isFinite(x)),
};

const binary: Readonly<Record<string, (a: Operand, b: Operand) => tf.Tensor>> = {
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  div: (a, b) => tf.div(a, b),
  max: (a, b) => tf.maximum(a, b),
  min: (a, b) => tf.minimum(a, b),
  pow: (a, b) => tf.pow(a, b),
  copySign: (a, b) => {
    // 1/y tells −0 from 0.
    const negative = tf.logicalOr(tf.less(b, 0), tf.logicalAnd(tf.equal(b, 0), tf.less(tf.div(1, b), 0)));
    const magnitude = tf.abs(a);
    return tf.where(negative, tf.neg(magnitude), magnitude);
  },
  lt: (a, b) => bits(tf.less(a, b)),
  le: (a, b) => bits(tf.lessEqual(a, b)),
  eq: (a, b) => bits(tf.equal(a, b)),
};

const truncate = (x: Operand): tf.Tensor => tf.mul(tf.sign(x), tf.floor(tf.abs(x)));

/** An index outside of the rows is brought to the nearest one. */
function rowOf(x: tf.Tensor, index: Operand): tf.Tensor {
  const rows = x.shape[0] ?? 1;
  if (typeof index === 'number') return tf.slice(x, [inside(index, rows)], [1]);
  return tf.gather(x, tf.reshape(tf.cast(tf.clipByValue(index, 0, rows - 1), 'int32'), [1]), 0);
}

const inside = (index: number, rows: number): number => Math.min(Math.max(Math.trunc(index), 0), rows - 1);

function withRow(x: tf.Tensor, index: Operand, row: tf.Tensor): tf.Tensor {
  const rows = x.shape[0] ?? 1;
  const line = tf.reshape(row, [1, ...x.shape.slice(1)]);
  if (typeof index !== 'number') {
    const place = truncate(tf.clipByValue(index, 0, rows - 1));
    const here = tf.reshape(tf.equal(tf.range(0, rows, 1, 'float32'), place), [rows, ...x.shape.slice(1).map(() => 1)]);
    return tf.where(here, line, x);
  }
  const at = inside(index, rows);
  const parts = [tf.slice(x, [0], [at]), line, tf.slice(x, [at + 1], [rows - at - 1])];
  return tf.concat(
    parts.filter((part) => part.size > 0),
    0,
  );
}

/** The order of the last axis, stable: the place of each element is the number of those before it. */
function argsort(x: tf.Tensor): tf.Tensor {
  const n = x.shape.at(-1) ?? 1;
  const lines = tf.reshape(x, [-1, n]);
  const [own, other] = [tf.expandDims(lines, 2), tf.expandDims(lines, 1)];
  const positions = tf.range(0, n, 1, 'float32');
  const earlier = tf.less(tf.reshape(positions, [1, 1, n]), tf.reshape(positions, [1, n, 1]));
  const before = tf.logicalOr(tf.less(other, own), tf.logicalAnd(tf.equal(other, own), earlier));
  const places = tf.sum(bits(before), 2, true);
  const chosen = bits(tf.equal(places, tf.reshape(positions, [1, 1, n])));
  return tf.reshape(tf.sum(tf.mul(chosen, tf.reshape(positions, [1, n, 1])), 1), x.shape);
}

/** α·op(a)·op(b) + β·c, the batch made one axis: tfjs repeats operands of a batch only where one of them is a single matrix. */
function matmul(shape: Shape, shapes: readonly Shape[], transposeA: boolean, transposeB: boolean): TensorKernel {
  const batch = shape.slice(0, -2);
  const flat = (x: tf.Tensor, own: Shape): tf.Tensor => {
    const ownBatch = own.slice(0, -2);
    const full = size(ownBatch) === 1 || sameShape(ownBatch, batch) ? x : tf.broadcastTo(x, [...batch, ...own.slice(-2)]);
    return tf.reshape(full, [-1, ...own.slice(-2)]);
  };
  return ([a, b, alpha, add, beta]) => {
    const product =
      batch.length === 0
        ? tf.matMul(asTensor(a), asTensor(b), transposeA, transposeB)
        : tf.reshape(tf.matMul(flat(asTensor(a), shapes[0] ?? []), flat(asTensor(b), shapes[1] ?? []), transposeA, transposeB), [...shape]);
    const scaled = alpha === undefined || alpha === 1 ? product : tf.mul(product, alpha);
    if (add === undefined) return scaled;
    return tf.add(scaled, beta === undefined || beta === 1 ? add : tf.mul(add, beta));
  };
}
