import type { Constant, GraphNode } from '../onnx/model.ts';

/** How a matrix is cut: not at all, into strips of rows or of columns, or both ways, of which a symmetric one has the upper blocks. */
export type Cut = 'whole' | 'rows' | 'columns' | 'blocks';

/** A matrix of a graph, in the pieces it was made in and those it was cut into since. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly symmetric: boolean;
  readonly pieces: Map<Cut, readonly (readonly string[])[]>;
}

/** A piece, and whether it is there as its transpose. */
export type Piece = readonly [name: string, transposed: boolean];

/** Cuts matrices of a graph into pieces and puts them together again. */
export class Matrices {
  readonly nodes: GraphNode[] = [];
  readonly constants: Constant[] = [];
  readonly #most: number;
  #names = 0;

  /** `most`: parts an axis is cut into at most. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Parts of an axis: none shorter than 128, where splitting costs more than half a product saves. */
  parts(n: number): number {
    return Math.max(1, Math.min(this.#most, Math.floor(n / 128)));
  }

  fresh(): string {
    return `t${this.#names++}`;
  }

  /** Adds a node of one output, and gives its name. */
  add(node: Omit<GraphNode, 'outputs'>): string {
    const name = this.fresh();
    this.nodes.push({ ...node, outputs: [name] });
    return name;
  }

  integers(values: readonly number[]): string {
    const name = this.fresh();
    this.constants.push({ name, type: 'int64', shape: [values.length], values });
    return name;
  }

  whole(matrix: Matrix): string {
    return this.#pieces(matrix, 'whole')[0]?.[0] ?? '';
  }

  /** Strip i of op(matrix), along its rows or its columns. */
  strip(matrix: Matrix, transposed: boolean, along: 'rows' | 'columns', i: number): Piece {
    const turned = transposed !== (along === 'columns');
    const strips = this.#pieces(matrix, turned ? 'columns' : 'rows');
    return [(turned ? strips[0]?.[i] : strips[i]?.[0]) ?? '', transposed];
  }

  /** Block (i, j) of a symmetric matrix. */
  block(matrix: Matrix, i: number, j: number): Piece {
    const [row, column] = i <= j ? [i, j] : [j, i];
    return [this.#pieces(matrix, 'blocks')[row]?.[column] ?? '', i > j];
  }

  #pieces(matrix: Matrix, cut: Cut): readonly (readonly string[])[] {
    const known = matrix.pieces.get(cut);
    if (known !== undefined) return known;
    const made = cut === 'whole' ? [[this.#assembled(matrix)]] : this.#split(matrix, cut);
    matrix.pieces.set(cut, made);
    return made;
  }

  #split(matrix: Matrix, cut: Cut): readonly (readonly string[])[] {
    const { rows, columns } = matrix;
    if (cut === 'rows') return this.#parts(this.whole(matrix), 0, rows).map((name) => [name]);
    if (cut === 'columns') return [this.#parts(this.whole(matrix), 1, columns)];
    return Array.from({ length: this.parts(rows) }, (_, i) => this.#parts(this.strip(matrix, false, 'rows', i)[0], 1, columns));
  }

  #parts(name: string, axis: number, n: number): readonly string[] {
    const lengths = partLengths(n, this.parts(n));
    if (lengths.length === 1) return [name];
    const outputs = lengths.map(() => this.fresh());
    this.nodes.push({ op: 'Split', inputs: [name, this.integers(lengths)], outputs, attributes: { axis: { int: axis } } });
    return outputs;
  }

  #assembled(matrix: Matrix): string {
    const [rows, columns] = [matrix.pieces.get('rows'), matrix.pieces.get('columns')];
    if (rows !== undefined) return this.#joined(rows.flat(), 0);
    if (columns !== undefined) return this.#joined(columns.flat(), 1);
    const parts = this.parts(matrix.rows);
    const all = Array.from({ length: parts }, (_, k) => k);
    return this.#joined(
      all.map((i) =>
        this.#joined(
          all.map((j) => this.#upright(this.block(matrix, i, j))),
          1,
        ),
      ),
      0,
    );
  }

  #upright([name, transposed]: Piece): string {
    return transposed ? this.add({ op: 'Transpose', inputs: [name], attributes: { perm: { ints: [1, 0] } } }) : name;
  }

  #joined(names: readonly string[], axis: number): string {
    const [only = ''] = names;
    return names.length === 1 ? only : this.add({ op: 'Concat', inputs: names, attributes: { axis: { int: axis } } });
  }
}

/** Lengths of the parts of an axis, as equal as can be. */
export const partLengths = (n: number, parts: number): number[] =>
  Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * n) / parts) - Math.floor((i * n) / parts));
