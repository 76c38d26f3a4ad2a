import type { Operand, Place, Product } from '@opt/backend-wasm';
import { type Shape, size } from '@opt/core';
import { type Graph, microsoft, type ValueInfo } from '../onnx/model.ts';
import { Matrices, type Matrix, type Piece } from './matrices.ts';

/** A group of products as one graph, and the memory its inputs and outputs are. */
export interface GroupGraph {
  readonly graph: Graph;
  readonly feeds: readonly Bound[];
  readonly fetches: readonly Bound[];
}

export interface Bound {
  readonly name: string;
  readonly place: Place;
  readonly shape: Shape;
}

/**
 * Products of matrices as Gemm, of batches of them as FusedMatMul; what is computed in the group stays in it. `parts`: into how many an
 * axis of a symmetric result is cut at most.
 */
export function groupGraph(products: readonly Product[], parts: number): GroupGraph {
  const builder = new Builder(parts);
  for (const product of products) builder.add(product);
  return builder.finish();
}

/** Without the leading axes where there is only one matrix. */
const matrixShape = (shape: Shape): Shape => (isMatrix(shape) ? shape.slice(-2) : shape);
const isMatrix = (shape: Shape): boolean => size(shape.slice(0, -2)) === 1;

class Builder {
  readonly #matrices: Matrices;
  readonly #feeds = new Map<string, Bound & { readonly matrix: Matrix }>();
  readonly #fetches: Bound[] = [];
  /** What each product so far computes. */
  readonly #results: { readonly matrix: Matrix; readonly shape: Shape }[] = [];

  constructor(parts: number) {
    this.#matrices = new Matrices(parts);
  }

  add(product: Product): void {
    const shape = matrixShape(product.result.shape);
    const matrix = isMatrix(product.result.shape) ? this.#product(product) : made(shape, false, this.#batched(product));
    this.#results.push({ matrix, shape });
    if (product.kept) this.#fetches.push({ name: this.#matrices.whole(matrix), place: product.result, shape });
  }

  finish(): GroupGraph {
    const { nodes, constants } = this.#matrices;
    const [feeds, fetches] = [[...this.#feeds.values()], this.#fetches];
    return { graph: { name: 'products', nodes, inputs: feeds.map(infoOf), outputs: fetches.map(infoOf), constants }, feeds, fetches };
  }

  #operand(operand: Operand, symmetric = false): Matrix {
    const shape = matrixShape(operand.shape);
    const inside = operand.product === undefined ? undefined : this.#results[operand.product];
    if (inside === undefined) return this.#feed(operand, shape, symmetric);
    if (inside.shape.join() === shape.join()) return inside.matrix;
    const inputs = [this.#matrices.whole(inside.matrix), this.#matrices.integers(shape)];
    return made(shape, false, this.#matrices.add({ op: 'Reshape', inputs }));
  }

  #feed(place: Place, shape: Shape, symmetric: boolean): Matrix {
    const key = `${place.address} ${place.inArena} ${shape} ${symmetric}`;
    const known = this.#feeds.get(key);
    if (known !== undefined) return known.matrix;
    const name = `x${this.#feeds.size}`;
    const matrix = made(shape, symmetric, name);
    this.#feeds.set(key, { name, place, shape, matrix });
    return matrix;
  }

  #batched({ a, b, transposeA, transposeB, alpha }: Product): string {
    return this.#matrices.add({
      op: 'FusedMatMul',
      domain: microsoft,
      inputs: [this.#matrices.whole(this.#operand(a)), this.#matrices.whole(this.#operand(b))],
      attributes: { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) }, alpha: { float: alpha } },
    });
  }

  /**
   * α·op(a)·op(b) + β·c. Of a symmetric result the upper blocks are enough, and what is multiplied by such blocks is computed in
   * strips: nothing is put together that is only cut again.
   */
  #product(product: Product): Matrix {
    const { transposeA, transposeB, symmetric } = product;
    const [m = 1, n = 1] = product.result.shape.slice(-2);
    const [a, b] = [this.#operand(product.a), this.#operand(product.b)];
    const c = product.c && this.#operand(product.c, symmetric);
    const { strip, block } = this.#cutters();
    const [left, right] = [a.pieces.has('blocks'), b.pieces.has('blocks')];
    const range = (length: number): number[] => Array.from({ length }, (_, k) => k);
    if (symmetric && this.#matrices.parts(n) > 1) {
      const result: Matrix = { rows: m, columns: n, symmetric, pieces: new Map() };
      const inner = left && right;
      const terms = (i: number, j: number): (readonly [Piece, Piece])[] =>
        inner
          ? range(this.#matrices.parts(n)).map((k) => [block(a, i, k), block(b, k, j)])
          : [[strip(a, transposeA, 'rows', i), strip(b, transposeB, 'columns', j)]];
      const upper = range(this.#matrices.parts(n)).map((i) =>
        range(this.#matrices.parts(n)).map((j) => (j < i ? '' : this.#sum(product, terms(i, j), c && block(c, i, j)[0]))),
      );
      result.pieces.set('blocks', upper);
      return result;
    }
    if (left && this.#matrices.parts(m) > 1) {
      const strips = range(this.#matrices.parts(m)).map((i) => {
        const terms = range(this.#matrices.parts(m)).map((k) => [block(a, i, k), strip(b, transposeB, 'rows', k)] as const);
        return [this.#sum(product, terms, c && strip(c, false, 'rows', i)[0])];
      });
      return { rows: m, columns: n, symmetric, pieces: new Map([['rows', strips]]) };
    }
    if (right && this.#matrices.parts(n) > 1) {
      const strips = range(this.#matrices.parts(n)).map((j) => {
        const terms = range(this.#matrices.parts(n)).map((k) => [strip(a, transposeA, 'columns', k), block(b, k, j)] as const);
        return this.#sum(product, terms, c && strip(c, false, 'columns', j)[0]);
      });
      return { rows: m, columns: n, symmetric, pieces: new Map([['columns', [strips]]]) };
    }
    const whole = (matrix: Matrix, transposed: boolean): Piece => [this.#matrices.whole(matrix), transposed];
    const name = this.#sum(product, [[whole(a, transposeA), whole(b, transposeB)]], c && this.#matrices.whole(c));
    return made([m, n], symmetric, name);
  }

  #cutters() {
    const matrices = this.#matrices;
    return {
      strip: (...given: Parameters<Matrices['strip']>): Piece => matrices.strip(...given),
      block: (...given: Parameters<Matrices['block']>): Piece => matrices.block(...given),
    };
  }

  /** α·Σ left·right + β·c, term by term. */
  #sum({ alpha, beta }: Product, terms: readonly (readonly [Piece, Piece])[], c: string | undefined): string {
    let sum = c;
    terms.forEach(([[left, transA], [right, transB]], k) => {
      sum = this.#matrices.add({
        op: 'Gemm',
        inputs: sum === undefined ? [left, right] : [left, right, sum],
        attributes: {
          transA: { int: Number(transA) },
          transB: { int: Number(transB) },
          alpha: { float: alpha },
          beta: { float: k === 0 ? beta : 1 },
        },
      });
    });
    return sum ?? '';
  }
}

function made(shape: Shape, symmetric: boolean, name: string): Matrix {
  const [rows = 1, columns = 1] = shape.slice(-2);
  return { rows, columns, symmetric, pieces: new Map([['whole', [[name]]]]) };
}

const infoOf = ({ name, place, shape }: Bound): ValueInfo => ({ name, type: place.type === 'f32' ? 'float' : 'double', shape });
