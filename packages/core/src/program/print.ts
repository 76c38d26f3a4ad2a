import { cost } from './cost.ts';
import type { Block, HostLine, Node, Operation, Program } from './program.ts';
import { printShape } from './shape.ts';

/** 1234567 as 1.23 M. */
export function quantity(value: number): string {
  for (const [unit, factor] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (Math.abs(value) >= factor) return `${(value / factor).toPrecision(3)} ${unit}`;
  }
  return `${Math.round(value)} `;
}

/** A program as text: host scalars, one line per operation with its shape and writer, and what is written where. */
export function printProgram(program: Program): string {
  const { flops, bytes } = cost(program);
  const lines = [`${program.name}: ${program.nodes.length} operations, ${quantity(flops)}FLOP, ${quantity(bytes)}B moved`];
  lines.push(...program.host.scalars.map((line, i) => `  h${i} = ${printHost(program, line)}`));
  lines.push(...printBlock(program, '  '));
  for (const { key, node, donates } of program.outputs) lines.push(`  ${key} ← %${node}${donates === key ? ' (in place)' : ''}`);
  return lines.join('\n');
}

function printBlock(block: Block, indent: string): string[] {
  return block.nodes.flatMap((node, position) => {
    const { operation, origin } = node;
    const writer = origin.stage === '' ? '' : `    — ${origin.stage}${origin.owner === '' ? '' : `:${origin.owner}`}`;
    const head = `${indent}%${position} = ${printOperation(operation)}(${node.inputs.map((i) => `%${i}`).join(', ')}) ${typeName(node)}${writer}`;
    return operation.op === 'repeat' ? [head, ...printBlock(operation.body, `${indent}  `)] : [head];
  });
}

const typeName = (node: Node): string => `${node.dtype}${printShape(node.shape)}${node.symmetric ? ' symmetric' : ''}`;

function printOperation(operation: Operation): string {
  const { op, ...attributes } = operation;
  const shown = Object.entries(attributes).filter(([name, value]) => name !== 'body' && name !== 'until' && value !== false);
  return shown.length === 0
    ? op
    : `${op}{${shown.map(([name, value]) => `${name}: ${Array.isArray(value) ? `[${value}]` : value}`).join(', ')}}`;
}

function printHost(program: Program, position: number): string {
  const line: HostLine | undefined = program.host.lines[position];
  if (line === undefined) return '?';
  if (line.op === 'literal') return `${line.value}`;
  if (line.op === 'hyper') return program.host.hypers[line.index] ?? '?';
  if (line.op === 'count') return `count(${program.host.counters[line.index] ?? '?'})`;
  if (line.op === 'call') return 'call';
  return `${line.op}(${line.args.map((arg) => printHost(program, arg)).join(', ')})`;
}
