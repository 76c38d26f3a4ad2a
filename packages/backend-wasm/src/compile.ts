import type { Block, Program } from '@opt/core';
import type { Kernels } from '@opt/linalg';
import { emitBlock } from './emit/block.ts';
import { importKernel, kernelsOf } from './emit/kernel-imports.ts';
import { VectorMath } from './emit/math.ts';
import { planBlock } from './plan/block-plan.ts';
import { Region } from './plan/region.ts';
import type { Type } from './plan/values.ts';
import { Code } from './wasm/code.ts';
import { ModuleBuilder } from './wasm/module.ts';

/** A tensor's place in linear memory. */
export interface Placement {
  readonly address: number;
  readonly bytes: number;
  readonly type: Type;
}

export interface Compiled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Scratch a run needs. */
  readonly arena: number;
}

/**
 * A program as one WebAssembly module with one export, `run`. Addresses of inputs, outputs and host scalars are constants in it; scratch
 * lies where the imported global `arena` says.
 */
export function compileProgram(program: Program, bind: (key: string) => Placement, scalars: number, kernels: Kernels): Compiled {
  const regions = new Map<number, Region>();
  const region = (key: string): Region => {
    const { address, bytes } = bind(key);
    const known = regions.get(address) ?? Region.fixed(address, bytes);
    regions.set(address, known);
    return known;
  };
  const targets = program.outputs.map(({ key }) => ({ region: region(key), type: bind(key).type }));
  const plan = planBlock(
    { nodes: program.nodes, results: program.outputs.map(({ node }) => node) },
    (read) => region(read.op === 'input' ? read.key : ''),
    targets,
    kernels,
  );

  const module = new ModuleBuilder();
  const used = operationsOf(program);
  for (const [op, names] of Object.entries(kernelsOf)) {
    if (used.has(op)) for (const name of names ?? []) for (const type of ['f32', 'f64'] as const) importKernel(module, name, type);
  }
  const math = new VectorMath(module, used);
  const run = module.func();
  module.export('run', run);
  emitBlock({ module, math, scalars, drafts: { before: new Code(), inside: new Code() }, shared: new Map() }, run, plan);
  return { bytes: module.encode(), arena: plan.bytes };
}

/** Every operation of a block and of the loops inside it; a normal draw stands for the functions it is made of. */
function operationsOf(block: Block): Set<string> {
  const used = new Set<string>();
  for (const { operation } of block.nodes) {
    used.add(operation.op);
    if (operation.op === 'random' && operation.distribution === 'normal') for (const name of ['log', 'sin', 'cos']) used.add(name);
    if (operation.op !== 'repeat') continue;
    for (const inner of [operation.body, operation.until]) if (inner !== undefined) for (const op of operationsOf(inner)) used.add(op);
  }
  return used;
}
