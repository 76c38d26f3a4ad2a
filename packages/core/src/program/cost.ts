import { codeBytes, isNarrow } from './narrow.ts';
import type { Block, Node, Program } from './program.ts';
import { size } from './shape.ts';

/** What one run of a program costs. */
export interface Cost {
  /** Floating-point operations, a multiply-add counted as two, a symmetric product half. */
  readonly flops: number;
  /** Bytes between memory and processor if every elementwise stretch is one pass. */
  readonly bytes: number;
}

/** Bytes of an element: 4, 8 for `wide`, or those of a code. */
export const elementBytes = (dtype: Node['dtype'], working = 4): number =>
  isNarrow(dtype) ? codeBytes[dtype] : dtype === 'wide' ? 8 : dtype === 'int' ? 4 : working;

export const cost = (program: Program): Cost => ({ flops: blockFlops(program), bytes: blockBytes(program) });

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

/** Operations that run as a kernel of their own: operands come from memory, results go there. */
const kernels: ReadonlySet<string> = new Set([
  'matmul',
  'eigh',
  'orthonormalize',
  'cholesky',
  'solveTriangular',
  'argsort',
  'gather',
  'repeat',
]);
/** Other names of memory that is there anyway. */
const aliases: ReadonlySet<string> = new Set(['reshape', 'part']);

const opOf = (node: Node | undefined): string => node?.operation.op ?? '';
const isSource = (node: Node | undefined): boolean => opOf(node) === 'input' || opOf(node) === 'parameter';

/** A row or a slice of what is in memory: nothing else of that is read. */
const isPart = (node: Node, whole: Node | undefined): boolean =>
  (opOf(node) === 'row' || opOf(node) === 'slice') && (isSource(whole) || kernels.has(opOf(whole)));

/**
 * Kernels read their operands and write their results; all elementwise work together reads each tensor it needs once and writes
 * once what a kernel or the outside wants to have. A row set in place moves the row only.
 */
function blockBytes({ nodes, results }: Block): number {
  const resolve = (position: number): number => (aliases.has(opOf(nodes[position])) ? resolve(nodes[position]?.inputs[0] ?? 0) : position);
  const wanted = new Set(results.map(resolve));
  let bytes = 0;
  for (const node of nodes) {
    if (!kernels.has(opOf(node))) continue;
    bytes += bytesOf(node) + node.inputs.reduce((sum, input) => sum + bytesOf(nodes[input]), 0);
    if (node.operation.op === 'repeat') bytes += node.operation.times * blockBytes(node.operation.body);
    for (const input of node.inputs) wanted.add(resolve(input));
  }
  const read = new Set<number>();
  const seen = new Set<number>();
  const visit = (position: number, own: boolean): void => {
    const at = resolve(position);
    const node = nodes[at];
    if (node === undefined) return;
    if (!own && (isSource(node) || kernels.has(opOf(node)) || wanted.has(at))) {
      // What another elementwise result needs from memory; a wanted elementwise value is at hand in the same pass.
      if (isSource(node) || kernels.has(opOf(node))) read.add(at);
      return;
    }
    if (isPart(node, nodes[resolve(node.inputs[0] ?? 0)])) {
      read.add(at);
      return;
    }
    if (seen.has(at)) return;
    seen.add(at);
    const [first] = opOf(node) === 'setRow' ? [1] : [0];
    for (const input of node.inputs.slice(first)) visit(input, false);
  };
  for (const at of wanted) {
    const node = nodes[at];
    if (node === undefined || isSource(node) || kernels.has(opOf(node))) continue;
    bytes += opOf(node) === 'setRow' ? bytesOf(nodes[node.inputs[2] ?? -1]) : bytesOf(node);
    visit(at, true);
  }
  for (const at of read) bytes += bytesOf(nodes[at]);
  return bytes;
}
