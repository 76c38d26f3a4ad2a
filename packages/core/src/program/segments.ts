import { elementBytes } from './cost.ts';
import { withScalars } from './host.ts';
import type { Node, Program, ProgramOutput } from './program.ts';
import { size } from './shape.ts';

/** A question in the middle of a program: the outputs it is made of, and the inputs that are its answer. */
export interface Cut {
  readonly asks: readonly string[];
  readonly answers: readonly string[];
}

/** What runs before some of the questions, given by their positions, are asked. */
export interface Segment {
  readonly program: Program;
  readonly cuts: readonly number[];
}

/** A program cut at its questions. */
export interface Segments {
  /** In order. They write what is asked and what later segments read of them, nothing else. */
  readonly before: readonly Segment[];
  /** Writes every other output. */
  readonly last: Program;
}

/** Whether a key is that of something one segment leaves for a later one. */
export const isCarriedKey = (key: string): boolean => key.startsWith('carried[');

/**
 * Cuts a program at its questions: each is asked as soon as everything it is made of is known, those that are known together are asked
 * together, and every output that is no question is written by the last segment. What a later segment reads of an earlier one is carried
 * in a buffer, or computed again where that reads less than carrying moves. Undefined where a question is made of its own answer.
 */
export function segments(program: Program, cuts: readonly Cut[]): Segments | undefined {
  const levels = levelsOf(program, cuts);
  if (levels === undefined) return undefined;
  const asked = new Map(cuts.flatMap(({ asks }, i) => asks.map((key) => [key, levels[i] ?? 0] as const)));
  const count = levels.reduce((most, level) => Math.max(most, level + 1), 0);
  const questions = Array.from({ length: count }, (_, at) => program.outputs.filter(({ key }) => asked.get(key) === at));
  const rest = program.outputs.filter(({ key }) => !asked.has(key));

  const first = firstUses(program, questions);
  const keys = keysOfCarried(program, first, questions);
  const extents = [...questions, rest].map((outputs, at) =>
    extentOf(program, outputs, (node) => ((first[node] ?? Infinity) < at ? keys.get(node) : undefined)),
  );
  /** What is to be carried out of a segment, and is no question. */
  const carried = (at: number): ProgramOutput[] => {
    const later = new Map(extents.slice(at + 1).flatMap(({ carried }) => [...carried]));
    return [...later].flatMap(([node, key]) => {
      const made = program.nodes[node];
      if (made === undefined || first[node] !== at || asked.has(key)) return [];
      return [{ key, node, shape: made.shape, dtype: made.dtype, donates: undefined }];
    });
  };
  return {
    before: questions.map((outputs, at) => ({
      program: built(program, `${program.name} (part ${at + 1})`, [...outputs, ...carried(at)], extents[at] ?? nothing),
      cuts: levels.flatMap((level, i) => (level === at ? [i] : [])),
    })),
    last: built(program, program.name, rest, extents[count] ?? nothing),
  };
}

/** How many cuts have to be answered before each can be asked. */
function levelsOf(program: Program, cuts: readonly Cut[]): number[] | undefined {
  const answers = new Map(cuts.flatMap((cut, i) => cut.answers.map((key) => [key, i] as const)));
  const made = new Map(program.outputs.map(({ key, node }) => [key, node]));
  let levels = cuts.map(() => 0);
  for (let round = 0; round <= cuts.length; round++) {
    const known: number[] = [];
    for (const { operation, inputs } of program.nodes) {
      const answered = operation.op === 'input' ? answers.get(operation.key) : undefined;
      known.push(answered === undefined ? inputs.reduce((most, i) => Math.max(most, known[i] ?? 0), 0) : (levels[answered] ?? 0) + 1);
    }
    const next = cuts.map(({ asks }) => asks.reduce((most, key) => Math.max(most, known[made.get(key) ?? -1] ?? 0), 0));
    if (next.every((level, i) => level === levels[i])) return levels;
    levels = next;
  }
  return undefined;
}

/** By node: the first segment whose questions need it; Infinity where none does. */
function firstUses({ nodes }: Program, questions: readonly (readonly ProgramOutput[])[]): number[] {
  const first = nodes.map(() => Infinity);
  questions.forEach((outputs, at) => {
    const visit = outputs.map(({ node }) => node);
    for (let node = visit.pop(); node !== undefined; node = visit.pop()) {
      if ((first[node] ?? 0) <= at) continue;
      first[node] = at;
      visit.push(...(nodes[node]?.inputs ?? []));
    }
  });
  return first;
}

/** Work that nobody does twice. */
const kernels: ReadonlySet<string> = new Set([
  'matmul',
  'orthonormalize',
  'cholesky',
  'solveTriangular',
  'gather',
  'part',
  'sum',
  'maximum',
]);
/** What is there anyway; what has to be done where its result is written, or is one name for several results. */
const never: ReadonlySet<string> = new Set(['input', 'literal', 'host', 'setRow', 'eigh', 'repeat', 'iota']);
const views: ReadonlySet<string> = new Set(['reshape', 'broadcastTo']);

const bytesOf = ({ shape, dtype }: Node): number => size(shape) * elementBytes(dtype);

/** Keys of the buffers of those nodes that are carried rather than computed again, if a later segment reads them. */
function keysOfCarried(
  { nodes }: Program,
  first: readonly number[],
  questions: readonly (readonly ProgramOutput[])[],
): Map<number, string> {
  // A question lies in a buffer anyway.
  const keys = new Map(questions.flatMap((outputs, at) => outputs.flatMap(({ node, key }) => (first[node] === at ? [[node, key]] : []))));
  const numbers = new Map<string, number>();
  /** What is read, in bytes by node, where a node is computed again. */
  const sources: ReadonlyMap<number, number>[] = [];
  nodes.forEach((node, position) => {
    if (first[position] === Infinity) {
      sources.push(new Map());
      return;
    }
    const { operation, inputs } = node;
    const own = new Map([[position, operation.op === 'literal' || operation.op === 'host' ? 0 : bytesOf(node)]]);
    const before = inputs.flatMap((input) => [...(sources[input] ?? [])]);
    const part = operation.op === 'row' || operation.op === 'slice';
    const again = new Map(part && inputs.every((input) => never.has(nodes[input]?.operation.op ?? '')) ? own : before);
    const read = [...again.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (inputs.length === 0 || keys.has(position)) {
      sources.push(own);
      return;
    }
    const carries =
      node.dtype !== 'int' &&
      !never.has(operation.op) &&
      (kernels.has(operation.op) || (!views.has(operation.op) && read > (size(node.shape) === 1 ? 0 : 2 * bytesOf(node))));
    sources.push(carries ? own : again);
    if (!carries) return;
    const type = `carried[${node.shape}]${node.dtype}`;
    const number = numbers.get(type) ?? 0;
    numbers.set(type, number + 1);
    keys.set(position, `${type}:${number}`);
  });
  return keys;
}

/** What one segment computes, and what it reads of earlier ones. */
interface Extent {
  readonly nodes: ReadonlySet<number>;
  readonly carried: ReadonlyMap<number, string>;
}

const nothing: Extent = { nodes: new Set(), carried: new Map() };

function extentOf({ nodes }: Program, outputs: readonly ProgramOutput[], carriedAs: (node: number) => string | undefined): Extent {
  const found = new Set<number>();
  const carried = new Map<number, string>();
  const visit = outputs.map(({ node }) => node);
  for (let node = visit.pop(); node !== undefined; node = visit.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    const key = carriedAs(node);
    if (key !== undefined) carried.set(node, key);
    else visit.push(...(nodes[node]?.inputs ?? []));
  }
  return { nodes: found, carried };
}

/** The program of an extent. */
function built(program: Program, name: string, outputs: readonly ProgramOutput[], { nodes: wanted, carried }: Extent): Program {
  const positions = new Map<number, number>();
  const used: number[] = [];
  const nodes: Node[] = [];
  program.nodes.forEach((node, position) => {
    if (!wanted.has(position)) return;
    positions.set(position, nodes.length);
    const key = carried.get(position);
    const { shape, dtype, symmetric, origin } = node;
    nodes.push(
      key === undefined
        ? withScalars({ ...node, inputs: node.inputs.map((input) => positions.get(input) ?? 0) }, used)
        : { operation: { op: 'input', key }, shape, dtype, inputs: [], symmetric, origin },
    );
  });
  const results = outputs.map(({ node }) => positions.get(node) ?? 0);
  return {
    name,
    nodes,
    results,
    inputs: nodes.flatMap(({ operation, shape, dtype }, node) =>
      operation.op === 'input' ? [{ key: operation.key, node, shape, dtype }] : [],
    ),
    outputs: outputs.map((output, i) => ({ ...output, node: results[i] ?? 0 })),
    host: { ...program.host, scalars: used.map((index) => program.host.scalars[index] ?? 0) },
  };
}
