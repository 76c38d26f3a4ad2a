import type { Block, Program } from '@opt/core';
import type { Kernels } from '@opt/linalg';
import { emitBlock } from './emit/block.ts';
import { importKernel, isKernelOperation } from './emit/kernel-imports.ts';
import { VectorMath } from './emit/math.ts';
import { planBlock } from './plan/block-plan.ts';
import type { Handing } from './plan/handed.ts';
import type { Product } from './plan/products.ts';
import { Region } from './plan/region.ts';
import type { Type } from './plan/values.ts';
import { Code } from './wasm/code.ts';
import { type Func, ModuleBuilder } from './wasm/module.ts';

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
  /** Products handed over: group i is due between `run{i}` and `run{i + 1}`. */
  readonly groups: readonly (readonly Product[])[];
}

/**
 * A program as one WebAssembly module. It exports `run0`, and one function more for every group of products that `handing` leaves to
 * somebody else. Addresses of inputs, outputs and host scalars are constants in it; scratch lies where the imported global `arena` says.
 */
export function compileProgram(
  program: Program,
  bind: (key: string) => Placement,
  scalars: number,
  kernels: Kernels,
  handing?: Handing,
): Compiled {
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
    handing,
  );

  const module = new ModuleBuilder();
  const used = operationsOf(program);
  for (const op of used) if (isKernelOperation(op)) importKernel(module, op);
  const math = new VectorMath(module, used);
  let parts = 0;
  const next = (): Func => {
    const run = module.func();
    module.export(`run${parts++}`, run);
    return run;
  };
  emitBlock({ module, math, scalars, drafts: { before: new Code(), inside: new Code() } }, next(), plan, next);
  return { bytes: module.encode(), arena: plan.bytes, groups: handing?.products(plan) ?? [] };
}

/** Every operation of a block and of the loops inside it. */
function operationsOf(block: Block): Set<string> {
  const used = new Set<string>();
  for (const { operation } of block.nodes) {
    used.add(operation.op);
    if (operation.op !== 'repeat') continue;
    for (const inner of [operation.body, operation.until]) if (inner !== undefined) for (const op of operationsOf(inner)) used.add(op);
  }
  return used;
}
