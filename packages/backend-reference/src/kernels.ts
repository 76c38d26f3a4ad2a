import {
  BackendError,
  binary,
  broadcastStrides,
  decoded,
  encoded,
  type Floats,
  isNarrow,
  type Node,
  roundingBits,
  roundingKey,
  type Shape,
  size,
  strides,
  unary,
} from '@opt/core';
import { cholesky, eigh, orthonormalize, solveTriangular } from './factorizations.ts';
import { draw } from './random.ts';

/** A closure that computes one node from its operands' memory into `out`. */
export function kernel(node: Node, nodes: readonly Node[], operands: readonly Floats[], out: Floats): () => void {
  const { operation, shape } = node;
  const operand = (i: number): Floats => operands[i] ?? new Float64Array(0);
  const shapeOf = (i: number): Shape => nodes[node.inputs[i] ?? -1]?.shape ?? [];
  const fill = (at: (i: number) => number) => () => {
    for (let i = 0; i < out.length; i++) out[i] = at(i);
  };
  const [a, b, c] = [operand(0), operand(1), operand(2)];
  switch (operation.op) {
    case 'literal':
      return fill(() => operation.value);
    case 'iota':
      return fill((i) => i);
    case 'random':
      return () => draw(operation.distribution, operation.seed, operation.stream, a[0] ?? 0, out);
    case 'encode': {
      const { dtype } = node;
      if (!isNarrow(dtype)) throw new BackendError(`reference: 'encode' makes codes, not ${dtype}`);
      const key = roundingKey(operation.seed, operation.stream);
      return () => {
        for (let i = 0; i < out.length; i++)
          out[i] = encoded(dtype, a[i] ?? 0, roundingBits(key, b[0] ?? 0, i, operation.half), operation.keeps);
      };
    }
    case 'cast': {
      const from = nodes[node.inputs[0] ?? -1]?.dtype;
      if (isNarrow(from)) return fill((i) => decoded(from, a[i] ?? 0));
      return node.dtype === 'int' ? fill((i) => Math.trunc(a[i] ?? 0)) : fill((i) => a[i] ?? 0);
    }
    case 'where': {
      const [x, y, z] = [0, 1, 2].map((i) => positions(shapeOf(i), shape));
      return fill((i) => (c0(a, x, i) !== 0 ? b[at(y, i)] : c[at(z, i)]) ?? 0);
    }
    case 'sum':
    case 'maximum':
      return reduce(operation.op, operation.axes, a, shapeOf(0), out);
    case 'broadcastTo': {
      const from = positions(shapeOf(0), shape);
      return fill((i) => a[at(from, i)] ?? 0);
    }
    case 'transpose': {
      const from = gatherPositions(
        shape,
        operation.permutation.map((axis) => strides(shapeOf(0))[axis] ?? 0),
        0,
      );
      return fill((i) => a[from[i] ?? 0] ?? 0);
    }
    case 'slice': {
      const own = strides(shapeOf(0));
      const from = gatherPositions(
        shape,
        own,
        operation.starts.reduce((sum, start, axis) => sum + start * (own[axis] ?? 0), 0),
      );
      return fill((i) => a[from[i] ?? 0] ?? 0);
    }
    case 'concat':
      return concat(
        operation.axis,
        shape,
        node.inputs.map((_, i) => shapeOf(i)),
        operands,
        out,
      );
    case 'gather':
      return gather(a, b, shapeOf(0), operation.axis, out);
    case 'row':
      return () => out.set(a.subarray(rowStart(b, out.length, a.length), rowStart(b, out.length, a.length) + out.length));
    case 'setRow':
      return () => {
        out.set(a);
        out.set(c, rowStart(b, c.length, a.length));
      };
    case 'argsort':
      return () => argsort(a, shape.at(-1) ?? 1, out);
    case 'matmul':
      return matmul(node, shapeOf(0), shapeOf(1), operands, operation.transposeA, operation.transposeB, out);
    case 'eigh':
      return batched(shapeOf(0), (start, n, _, batches) => {
        const { values, vectors } = eigh(a.subarray(start, start + n * n), n);
        const batch = start / (n * n);
        out.set(values, batch * n);
        out.set(vectors, batches * n + start);
      });
    case 'orthonormalize':
      return batched(shape, (start, m, n) => {
        out.set(orthonormalize(a.subarray(start, start + m * n), m, n, operation.deficient, operation.tolerance), start);
      });
    case 'cholesky':
      return batched(shape, (start, n) => out.set(cholesky(a.subarray(start, start + n * n), n), start));
    case 'solveTriangular':
      return batched(shape, (start, n, columns) => {
        const l = (start / (n * columns)) * n * n;
        out.set(solveTriangular(a.subarray(l, l + n * n), b.subarray(start, start + n * columns), n, columns, operation.transpose), start);
      });
    case 'input':
    case 'parameter':
    case 'host':
    case 'reshape':
    case 'repeat':
    case 'part':
      throw new BackendError(`reference: '${operation.op}' has no kernel`);
    default: {
      if (node.inputs.length === 1) {
        const f = isUnary(operation.op) ? unary[operation.op] : undefined;
        if (f !== undefined) return fill((i) => f(a[i] ?? 0));
      }
      const f = isBinary(operation.op) ? binary[operation.op] : undefined;
      if (f === undefined) throw new BackendError(`reference: unknown operation '${operation.op}'`);
      const [x, y] = [positions(shapeOf(0), shape), positions(shapeOf(1), shape)];
      return fill((i) => f(a[at(x, i)] ?? 0, b[at(y, i)] ?? 0));
    }
  }
}

const isUnary = (op: string): op is keyof typeof unary => op in unary;
const isBinary = (op: string): op is keyof typeof binary => op in binary;

/** Where each element of a result of shape `to` reads a broadcast operand; undefined where it reads its own place. */
function positions(from: Shape, to: Shape): Int32Array | undefined {
  if (size(from) === size(to)) return undefined;
  return gatherPositions(to, broadcastStrides(from, to), 0);
}

const at = (positions: Int32Array | undefined, i: number): number => (positions === undefined ? i : (positions[i] ?? 0));
const c0 = (data: Floats, positions: Int32Array | undefined, i: number): number => data[at(positions, i)] ?? 0;

/** Row-major walk over `shape` with other strides. */
function gatherPositions(shape: Shape, steps: readonly number[], start: number): Int32Array {
  const result = new Int32Array(size(shape));
  const index = new Array<number>(shape.length).fill(0);
  let position = start;
  for (let i = 0; i < result.length; i++) {
    result[i] = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const step = steps[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        position += step;
        break;
      }
      position -= step * (next - 1);
      index[axis] = 0;
    }
  }
  return result;
}

function reduce(op: 'sum' | 'maximum', axes: readonly number[], a: Floats, shape: Shape, out: Floats): () => void {
  const kept = shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  const target = gatherPositions(shape, broadcastStrides(kept, shape), 0);
  const total = new Float64Array(out.length);
  return () => {
    total.fill(op === 'sum' ? 0 : -Infinity);
    for (let i = 0; i < a.length; i++) {
      const to = target[i] ?? 0;
      const [held = 0, value = 0] = [total[to], a[i]];
      total[to] = op === 'sum' ? held + value : value > held || Number.isNaN(value) ? value : held;
    }
    out.set(total);
  };
}

function concat(axis: number, shape: Shape, shapes: readonly Shape[], operands: readonly Floats[], out: Floats): () => void {
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  const width = (shape[axis] ?? 0) * inner;
  return () => {
    let offset = 0;
    operands.forEach((part, i) => {
      const own = (shapes[i]?.[axis] ?? 0) * inner;
      for (let o = 0; o < outer; o++) out.set(part.subarray(o * own, (o + 1) * own), o * width + offset);
      offset += own;
    });
  };
}

function gather(a: Floats, index: Floats, shape: Shape, axis: number, out: Floats): () => void {
  const inner = size(shape.slice(axis + 1));
  const n = shape[axis] ?? 1;
  return () => {
    for (let i = 0; i < out.length; i++) {
      const outer = Math.floor(i / (inner * index.length));
      const chosen = index[Math.floor(i / inner) % index.length] ?? 0;
      out[i] = a[(outer * n + chosen) * inner + (i % inner)] ?? 0;
    }
  };
}

/** An index outside of the rows is brought to the nearest one, NaN to the first. */
const rowStart = (index: Floats, width: number, length: number): number => {
  const rows = width === 0 ? 1 : length / width;
  return Math.min(Math.max(Math.trunc(index[0] ?? 0) || 0, 0), rows - 1) * width;
};

function argsort(a: Floats, n: number, out: Floats): void {
  for (let start = 0; start < a.length; start += n) {
    const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => (a[start + i] ?? 0) - (a[start + j] ?? 0) || i - j);
    out.set(order, start);
  }
}

/** Runs `f` for each matrix of a batch: start, rows, columns, number of matrices. */
function batched(shape: Shape, f: (start: number, rows: number, columns: number, batches: number) => void): () => void {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const batches = size(shape) / Math.max(1, rows * columns);
  return () => {
    for (let batch = 0; batch < batches; batch++) f(batch * rows * columns, rows, columns, batches);
  };
}

function matmul(
  node: Node,
  shapeA: Shape,
  shapeB: Shape,
  operands: readonly Floats[],
  transposeA: boolean,
  transposeB: boolean,
  out: Floats,
): () => void {
  const [m = 1, n = 1] = node.shape.slice(-2);
  const [rowsA = 1, columnsA = 1] = shapeA.slice(-2);
  const columnsB = shapeB.at(-1) ?? 1;
  const k = transposeA ? rowsA : columnsA;
  const batch = node.shape.slice(0, -2);
  const [startA, startB] = [shapeA, shapeB].map((shape) => gatherPositions(batch, broadcastStrides(shape.slice(0, -2), batch), 0));
  const [sizeA, sizeB] = [rowsA * columnsA, size(shapeB.slice(-2))];
  const [a, b, alpha, add, beta] = operands;
  const [stepAi, stepAk] = transposeA ? [1, columnsA] : [columnsA, 1];
  const [stepBk, stepBj] = transposeB ? [1, columnsB] : [columnsB, 1];
  const line = new Float64Array(n);
  return () => {
    for (let batchAt = 0; batchAt < size(batch); batchAt++) {
      const [fromA, fromB] = [(startA?.[batchAt] ?? 0) * sizeA, (startB?.[batchAt] ?? 0) * sizeB];
      for (let i = 0; i < m; i++) {
        line.fill(0);
        for (let inner = 0; inner < k; inner++) {
          const factor = a?.[fromA + i * stepAi + inner * stepAk] ?? 0;
          const row = fromB + inner * stepBk;
          for (let j = 0; j < n; j++) line[j] = (line[j] ?? 0) + factor * (b?.[row + j * stepBj] ?? 0);
        }
        const to = (batchAt * m + i) * n;
        for (let j = 0; j < n; j++)
          out[to + j] = (alpha?.[0] ?? 1) * (line[j] ?? 0) + (add === undefined ? 0 : (beta?.[0] ?? 1) * (add[to + j] ?? 0));
      }
    }
  };
}
