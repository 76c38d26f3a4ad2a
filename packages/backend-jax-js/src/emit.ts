import { numpy as np } from '@jax-js/jax';
import { BackendError, type BinaryOp, type Node, type Shape, sameShape, size } from '@opt/core';
import { type JaxArray, typeOf } from './jax.ts';

/** What one node is written with. Arrays are references of their own: every function of jax-js consumes its arguments. */
export interface Scope {
  readonly nodes: readonly Node[];
  operand(i: number): JaxArray;
  /** 0 … n−1 in f32. */
  iota(n: number): JaxArray;
  /** +∞ in the type of operand 0. */
  infinity(): JaxArray;
}

/** Writes a node in jax-js, inside of a trace. Where jax-js rounds, folds or compares otherwise than a Program means, it says so. */
export function emit(node: Node, scope: Scope): JaxArray {
  const { operation, shape, dtype } = node;
  const type = typeOf(dtype);
  const operandNode = (i: number): Node | undefined => scope.nodes[node.inputs[i] ?? -1];
  const shapeOf = (i: number): Shape => operandNode(i)?.shape ?? [];
  const arg = (i: number): JaxArray => astype(scope.operand(i), type);
  switch (operation.op) {
    // jax-js's own negation is 0 − x, which loses the sign of 0.
    case 'neg':
      return arg(0).mul(-1);
    case 'abs':
      return absolute(arg(0));
    case 'sign':
      return sign(arg(0));
    case 'sqrt':
      return np.sqrt(arg(0));
    case 'floor':
      return np.floor(arg(0));
    case 'isFinite':
      return np.less(absolute(scope.operand(0)), scope.infinity()).astype(type);
    case 'cast':
      return dtype === 'int' ? truncated(arg(0)) : arg(0);
    case 'add':
      return arg(0).add(arg(1));
    case 'sub':
      return arg(0).add(arg(1).mul(-1));
    case 'mul':
      return arg(0).mul(arg(1));
    case 'div':
      return arg(0).mul(np.reciprocal(arg(1)));
    case 'max':
      return np.maximum(arg(0), arg(1));
    case 'min':
      return np.minimum(arg(0), arg(1));
    case 'copySign':
      return copySign(arg(0), arg(1));
    case 'lt':
    case 'le':
    case 'eq':
      return compared(operation.op, scope.operand(0), scope.operand(1)).astype(type);
    case 'where':
      return np.where(np.notEqual(scope.operand(0), 0), arg(1), arg(2));
    case 'sum': {
      // Added up in f64, as the reference does: sums of many small numbers keep their digits.
      const total = astype(scope.operand(0), np.float64).sum([...operation.axes]);
      return reshaped(astype(total, type), shape);
    }
    case 'maximum':
      return reshaped(maximum(arg(0), operation.axes), shape);
    case 'reshape':
      return reshaped(arg(0), shape);
    case 'broadcastTo':
      return np.broadcastTo(arg(0), [...shape]);
    case 'transpose':
      return arg(0).transpose([...operation.permutation]);
    case 'slice':
      return arg(0).slice(...shape.map((n, axis): [number, number] => [operation.starts[axis] ?? 0, (operation.starts[axis] ?? 0) + n]));
    case 'concat':
      return np.concatenate(
        node.inputs.map((_, i) => arg(i)),
        operation.axis,
      );
    case 'gather':
      return np.take(arg(0), astype(scope.operand(1), np.int32), operation.axis);
    case 'row':
      return reshaped(np.take(arg(0), reshaped(astype(index(scope.operand(1), shapeOf(0)), np.int32), [1]), 0), shape);
    case 'setRow': {
      const [rows = 1, ...rest] = shape;
      const chosen = np.equal(scope.iota(rows), index(scope.operand(1), shape));
      return np.where(reshaped(chosen, [rows, ...rest.map(() => 1)]), reshaped(arg(2), [1, ...rest]), arg(0));
    }
    case 'argsort':
      return scope.operand(0).argsort(-1).astype(type);
    case 'matmul':
      return product(node, operation.transposeA, operation.transposeB, [shapeOf(0), shapeOf(1)], operandNode(2), arg);
    default:
      throw new BackendError(`jax-js: operation '${operation.op}' has no place in a compiled segment`);
  }
}

const astype = (x: JaxArray, type: np.DType): JaxArray => (x.dtype === type ? x : x.astype(type));
const reshaped = (x: JaxArray, shape: Shape): JaxArray => (sameShape(x.shape, shape) ? x : x.reshape([...shape]));

/** max(x, −x): |−0| is 0, and NaN stays. */
const absolute = (x: JaxArray): JaxArray => np.maximum(x.ref, x.mul(-1));

/** (x > 0) − (x < 0); NaN stays. */
function sign(x: JaxArray): JaxArray {
  const above = np.less(0, x.ref).astype(x.dtype);
  const below = np.less(x.ref, 0).astype(x.dtype);
  return np.where(np.notEqual(x.ref, x.ref), x, above.add(below.mul(-1)));
}

/** Toward 0. */
const truncated = (x: JaxArray): JaxArray => np.where(np.less(x.ref, 0), np.ceil(x.ref), np.floor(x));

/** |x| with the sign of y, where −0 is negative and NaN positive. */
function copySign(x: JaxArray, y: JaxArray): JaxArray {
  const ones = np.where(np.less(np.where(np.equal(y.ref, 0), np.reciprocal(y.ref), y), 0), -1, 1);
  return absolute(x).mul(ones);
}

/**
 * The largest entries along some axes. jax-js reduces a whole tensor to one number without SIMD, so that one is folded to a row
 * first: 25 times as fast at a million entries.
 */
function maximum(x: JaxArray, axes: readonly number[]): JaxArray {
  const count = size(x.shape);
  const whole = axes.length === x.shape.length && count >= 1024;
  const width = whole ? [1024, 512, 256, 128, 64, 32, 16, 8, 4].find((n) => count % n === 0) : undefined;
  return width === undefined ? np.max(x, [...axes]) : np.max(np.max(x.reshape([count / width, width]), 0));
}

function compared(op: BinaryOp & ('lt' | 'le' | 'eq'), a: JaxArray, b: JaxArray): JaxArray {
  const type = a.dtype === b.dtype ? a.dtype : np.float64;
  const [x, y] = [astype(a, type), astype(b, type)];
  return op === 'lt' ? np.less(x, y) : op === 'le' ? np.lessEqual(x, y) : np.equal(x, y);
}

/** A row's number, cut to the rows there are. */
function index(i: JaxArray, shape: Shape): JaxArray {
  const whole = truncated(reshaped(i, []));
  return np.minimum(np.maximum(whole, 0), (shape[0] ?? 1) - 1).astype(np.float32);
}

function product(
  { shape, inputs }: Node,
  transposeA: boolean,
  transposeB: boolean,
  [shapeA = [], shapeB = []]: readonly Shape[],
  alpha: Node | undefined,
  arg: (i: number) => JaxArray,
): JaxArray {
  const batch = shape.slice(0, -2);
  const matrices = (x: JaxArray, own: Shape, transposed: boolean): JaxArray => {
    const last = own.slice(-2);
    const whole = sameShape(own.slice(0, -2), batch) ? x : np.broadcastTo(x, [...batch, ...last]);
    return transposed ? whole.transpose(swapped(shape.length)) : whole;
  };
  const result = np.matmul(matrices(arg(0), shapeA, transposeA), matrices(arg(1), shapeB, transposeB));
  const plain = alpha?.operation.op === 'literal' && alpha.operation.value === 1;
  const scaled = plain ? result : result.mul(arg(2));
  return inputs.length > 3 ? scaled.add(arg(3).mul(arg(4))) : scaled;
}

/** The order of axes with the last two swapped. */
const swapped = (rank: number): number[] => Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
