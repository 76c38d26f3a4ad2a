import type { Block, Node, Program } from './program.ts';
import { size } from './shape.ts';

/** What one run of a program costs. */
export interface Cost {
  /** Floating-point operations, a multiply-add counted as two, a symmetric product half. */
  readonly flops: number;
  /** Bytes between memory and processor if every elementwise stretch is one pass. */
  readonly bytes: number;
}

/** Bytes of an element: 4, or 8 for `wide`. */
export const elementBytes = (dtype: Node['dtype'], working = 4): number => (dtype === 'wide' ? 8 : dtype === 'int' ? 4 : working);

export function cost(program: Program): Cost {
  const written = new Set<number>();
  const outputs = program.outputs.filter(({ node }) => !written.has(node) && written.add(node) !== undefined);
  const moved =
    blockBytes(program) + outputs.reduce((sum, { node }) => sum + (stored(program.nodes[node]) ? 0 : bytesOf(program.nodes[node])), 0);
  return { flops: blockFlops(program), bytes: moved };
}

const dimension = (node: Node | undefined, fromEnd: number): number => node?.shape.at(-fromEnd) ?? 1;
const bytesOf = (node: Node | undefined): number => (node === undefined ? 0 : size(node.shape) * elementBytes(node.dtype));

const blockFlops = (block: Block): number => block.nodes.reduce((sum, node) => sum + nodeFlops(node, block), 0);

function nodeFlops(node: Node, block: Block): number {
  const elements = size(node.shape);
  const { operation } = node;
  const operand = (i: number): Node | undefined => block.nodes[node.inputs[i] ?? -1];
  switch (operation.op) {
    case 'input':
    case 'parameter':
    case 'literal':
    case 'host':
    case 'iota':
    case 'cast':
    case 'reshape':
    case 'broadcastTo':
    case 'transpose':
    case 'slice':
    case 'concat':
    case 'gather':
    case 'row':
    case 'setRow':
    case 'part':
      return 0;
    case 'sum':
    case 'maximum':
      return size(operand(0)?.shape ?? []);
    case 'random':
      return 10 * elements;
    case 'argsort':
      return elements * Math.ceil(Math.log2(Math.max(2, dimension(node, 1))));
    case 'matmul': {
      const inner = dimension(operand(0), operation.transposeA ? 2 : 1);
      return (node.symmetric ? 1 : 2) * elements * inner + (node.inputs.length > 3 ? 2 * elements : 0);
    }
    case 'eigh':
      return 9 * (size(operand(0)?.shape ?? []) * dimension(operand(0), 1));
    case 'orthonormalize': {
      const [rows, columns] = [dimension(node, 2), dimension(node, 1)];
      return (elements / Math.max(1, rows * columns)) * Math.max(0, 4 * rows * columns ** 2 - (4 / 3) * columns ** 3);
    }
    case 'cholesky':
      return (elements * dimension(node, 1)) / 3;
    case 'solveTriangular':
      return elements * dimension(node, 2);
    case 'repeat':
      return operation.times * (blockFlops(operation.body) + (operation.until ? blockFlops(operation.until) : 0));
    default:
      return elements;
  }
}

/** Operations whose result is written to memory; all others are computed where they are read. */
const storing: ReadonlySet<string> = new Set([
  'matmul',
  'eigh',
  'orthonormalize',
  'cholesky',
  'solveTriangular',
  'argsort',
  'gather',
  'repeat',
]);
const stored = (node: Node | undefined): boolean => node !== undefined && storing.has(node.operation.op);
const reducing = (node: Node): boolean => node.operation.op === 'sum' || node.operation.op === 'maximum';

/** Inputs read once by all elementwise work, stored results written once and read once by each reader that is no elementwise stretch. */
function blockBytes(block: Block): number {
  const { nodes } = block;
  const sources = nodes.map((_, position) => sourcesOf(nodes, position));
  const elementwise = new Set<number>();
  let bytes = 0;
  nodes.forEach((node, position) => {
    if (stored(node)) {
      bytes += bytesOf(node) + node.inputs.reduce((sum, input) => sum + readBytes(nodes, input), 0);
      if (node.operation.op === 'repeat') bytes += node.operation.times * blockBytes(node.operation.body);
    } else if (node.operation.op === 'setRow') {
      // Its old value is neither read nor copied; the row is part of the elementwise stretch that makes it.
      bytes += bytesOf(nodes[node.inputs[2] ?? -1]);
    } else if (reducing(node) || block.results.includes(position)) {
      for (const source of sources[position] ?? []) elementwise.add(source);
    }
  });
  for (const source of elementwise) bytes += bytesOf(nodes[source]);
  return bytes;
}

const readBytes = (nodes: readonly Node[], position: number): number => bytesOf(nodes[position]);

/** The values in memory that an elementwise expression reads. */
function sourcesOf(nodes: readonly Node[], position: number): ReadonlySet<number> {
  const found = new Set<number>();
  const visit = [position];
  const seen = new Set<number>();
  for (let at = visit.pop(); at !== undefined; at = visit.pop()) {
    const node = nodes[at];
    if (node === undefined || seen.has(at)) continue;
    seen.add(at);
    if (at !== position && (stored(node) || node.operation.op === 'input' || node.operation.op === 'parameter')) found.add(at);
    else if (node.operation.op !== 'setRow' && !(at !== position && reducing(node))) visit.push(...node.inputs);
  }
  if (nodes[position] !== undefined && (nodes[position].operation.op === 'input' || stored(nodes[position]))) found.delete(position);
  return found;
}
