import type { Block, Node } from '@opt/core';
import { isFactorization } from '@opt/linalg';

/** A piece of a block: nodes that are compiled together, or one that runs on the host. */
export type Step =
  | {
      readonly kind: 'compiled';
      readonly nodes: readonly number[];
      readonly inputs: readonly number[];
      readonly outputs: readonly number[];
    }
  | { readonly kind: 'host'; readonly node: number };

/** More parts than this are put together on the host: in jax-js every element of a concatenation looks at every part. */
const mostParts = 4;

/** Scalars and index vectors are handed to every segment that wants them. */
export const isConstant = ({ operation: { op } }: Node): boolean => op === 'literal' || op === 'host' || op === 'iota';

const isSource = ({ operation: { op } }: Node): boolean => op === 'input' || op === 'parameter';

/**
 * What the host computes: factorisations, since jax-js's own are unreliable or missing; functions whose kernels in jax-js keep
 * too few digits (its log is wrong by 1 % at 0.999); loops; draws.
 */
export function isHost({ operation, inputs }: Node): boolean {
  if (isFactorization(operation)) return true;
  switch (operation.op) {
    case 'repeat':
    case 'random':
    case 'exp':
    case 'log':
    case 'expm1':
    case 'sin':
    case 'cos':
    case 'pow':
      return true;
    case 'concat':
      return inputs.length > mostParts;
    default:
      return false;
  }
}

/**
 * Cuts a block into as few compiled segments as the host's work in between allows: a node's level is the number of times the host
 * has to come first.
 */
export function steps(block: Block): Step[] {
  const { nodes } = block;
  const levels: number[] = [];
  nodes.forEach((node) => {
    // What the host made is there for the segment after it; to others of its kind it is there at once.
    const after = (input: number): number => {
      const from = nodes[input];
      if (from === undefined || isConstant(from)) return 0;
      const made = isHost(from) || from.operation.op === 'part';
      return (levels[input] ?? 0) + (made && !isHost(node) && node.operation.op !== 'part' ? 1 : 0);
    };
    levels.push(node.inputs.reduce((level, input) => Math.max(level, after(input)), 0));
  });
  const wanted = readers(block, levels);
  const last = levels.reduce((most, level) => Math.max(most, level), 0);
  return Array.from({ length: last + 1 }, (_, level) => level).flatMap((level): Step[] => {
    const here = nodes.flatMap((node, position) => (levels[position] === level && !isSource(node) ? [position] : []));
    const compiled = here.filter((position) => {
      const node = nodes[position];
      return node !== undefined && !isHost(node) && !isConstant(node) && node.operation.op !== 'part';
    });
    const outputs = compiled.filter((position) => wanted.has(position));
    const inside = needed(nodes, outputs, new Set(compiled));
    const host = here.filter((position) => {
      const node = nodes[position];
      return node !== undefined && (isHost(node) || node.operation.op === 'part');
    });
    const segment: Step[] = outputs.length === 0 ? [] : [{ kind: 'compiled', ...inside, outputs }];
    return [...segment, ...host.map((node): Step => ({ kind: 'host', node }))];
  });
}

/** Positions of compiled nodes whose value leaves their segment. */
function readers({ nodes, results }: Block, levels: readonly number[]): Set<number> {
  const wanted = new Set(results);
  nodes.forEach((node, position) => {
    for (const input of node.inputs) if (isHost(node) || levels[input] !== levels[position]) wanted.add(input);
  });
  return wanted;
}

/** The nodes of a segment that its outputs need, in order, and what they need from outside. */
function needed(nodes: readonly Node[], outputs: readonly number[], own: ReadonlySet<number>): { nodes: number[]; inputs: number[] } {
  const found = new Set<number>();
  const inputs = new Set<number>();
  const visit = (position: number): void => {
    const node = nodes[position];
    if (node === undefined || found.has(position)) return;
    if (isConstant(node)) found.add(position);
    else if (!own.has(position)) inputs.add(position);
    else {
      found.add(position);
      node.inputs.forEach(visit);
    }
  };
  outputs.forEach(visit);
  const order = (a: number, b: number): number => a - b;
  return { nodes: [...found].sort(order), inputs: [...inputs].sort(order) };
}
