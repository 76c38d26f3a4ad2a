import { withScalars } from './host.ts';
import type { HostProgram, Node, Program, ProgramOutput } from './program.ts';

/**
 * A program cut into parts that have nothing to do with one another: no tensor of one is read by another, and constants and host
 * scalars are no tie. Run one after the other, in any order, they do what the program does. Parts come in the order of their outputs.
 */
export function components(program: Program): Program[] {
  const roots = ties(program.nodes);
  const groups = new Map<number, ProgramOutput[]>();
  for (const output of program.outputs) {
    const root = find(roots, output.node);
    groups.set(root, [...(groups.get(root) ?? []), output]);
  }
  return groups.size < 2 ? [program] : [...groups.values()].map((outputs) => part(program, outputs));
}

const isScalar = (node: Node): boolean => node.operation.op === 'literal' || node.operation.op === 'host';

/** By node, another of its component, towards the first. */
function ties(nodes: readonly Node[]): number[] {
  const roots = nodes.map((_, i) => i);
  nodes.forEach((node, i) => {
    for (const input of node.inputs) {
      const operand = nodes[input];
      if (operand !== undefined && !isScalar(operand)) join(roots, input, i);
    }
  });
  return roots;
}

function find(roots: number[], node: number): number {
  let at = node;
  for (let next = roots[at] ?? at; next !== at; next = roots[at] ?? at) {
    roots[at] = roots[next] ?? next;
    at = next;
  }
  return at;
}

function join(roots: number[], a: number, b: number): void {
  const [x, y] = [find(roots, a), find(roots, b)];
  roots[Math.max(x, y)] = Math.min(x, y);
}

/** What some of a program's outputs need, as a program. */
function part(program: Program, outputs: readonly ProgramOutput[]): Program {
  const needed = new Set<number>();
  const open = outputs.map(({ node }) => node);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (needed.has(at)) continue;
    needed.add(at);
    open.push(...(program.nodes[at]?.inputs ?? []));
  }
  const renumbered = new Map<number, number>();
  const scalars: number[] = [];
  const nodes: Node[] = [];
  program.nodes.forEach((node, position) => {
    if (!needed.has(position)) return;
    renumbered.set(position, nodes.length);
    nodes.push({ ...withScalars(node, scalars), inputs: node.inputs.map((input) => renumbered.get(input) ?? 0) });
  });
  const at = (position: number): number => renumbered.get(position) ?? 0;
  const own = outputs.map((output) => ({ ...output, node: at(output.node) }));
  return {
    name: program.name,
    nodes,
    results: own.map(({ node }) => node),
    inputs: program.inputs.filter(({ node }) => needed.has(node)).map((input) => ({ ...input, node: at(input.node) })),
    outputs: own,
    host: lines(program.host, scalars),
  };
}

/** The host arithmetic that some of the scalars need. */
function lines(host: HostProgram, scalars: readonly number[]): HostProgram {
  const renumbered = new Map<number, number>();
  const [kept, hypers, counters]: [HostProgram['lines'][number][], string[], string[]] = [[], [], []];
  const keep = (position: number): number => {
    const known = renumbered.get(position);
    if (known !== undefined) return known;
    const line = host.lines[position];
    if (line === undefined) return 0;
    const own =
      line.op === 'hyper'
        ? { ...line, index: place(hypers, host.hypers[line.index] ?? '') }
        : line.op === 'count'
          ? { ...line, index: place(counters, host.counters[line.index] ?? '') }
          : 'args' in line
            ? { ...line, args: line.args.map(keep) }
            : line;
    const index = kept.push(own) - 1;
    renumbered.set(position, index);
    return index;
  };
  const own = scalars.map((scalar) => keep(host.scalars[scalar] ?? 0));
  return { lines: kept, scalars: own, hypers, counters };
}

const place = (list: string[], item: string): number => {
  const known = list.indexOf(item);
  return known >= 0 ? known : list.push(item) - 1;
};
