import type { Program } from '@opt/core';
import type { Kernels } from '@opt/linalg';
import { emitBlock } from './emit/block.ts';
import type { Context } from './emit/context.ts';
import { importKernel, isKernelOperation, type KernelOperation } from './emit/kernel-imports.ts';
import { VectorMath } from './emit/math.ts';
import { operationsOf } from './operations-of.ts';
import { planBlock } from './plan/block-plan.ts';
import type { Cutting, Handing } from './plan/handed.ts';
import type { BlockPlan } from './plan/planned.ts';
import type { Product } from './plan/products.ts';
import { Region } from './plan/region.ts';
import type { Type } from './plan/values.ts';
import { Code, type OwnBytes } from './wasm/code.ts';
import { type Func, ModuleBuilder, type Shared } from './wasm/module.ts';

/** What makes a program for several threads: cuts it into what may run at the same time, and emits `work` in the place of `run0`. */
export interface Splitting extends Cutting {
  /** Kernels that it calls beside those of the program's operations. */
  readonly kernels: readonly KernelOperation[];
  /** Gives the most tasks there are at a time. */
  emit(context: Context, plan: BlockPlan): number;
}

/** What programs on a shared memory are compiled with; `splitting` where this one is for several threads. */
export interface Sharing extends Shared {
  readonly splitting?: Splitting;
}

/** A tensor's place in linear memory. */
export interface Placement {
  readonly address: number;
  readonly bytes: number;
  readonly type: Type;
}

export interface Compiled {
  readonly bytes: OwnBytes;
  /** Scratch a run needs. */
  readonly arena: number;
  /** Scratch that every thread needs for itself. */
  readonly own: number;
  /** The most tasks there are at a time; 1: the program is for one thread. */
  readonly width: number;
  /** Products handed over: group i is due between `run{i}` and `run{i + 1}`. */
  readonly groups: readonly (readonly Product[])[];
}

/**
 * A program as one WebAssembly module. It exports `run0`, and one function more for every group of products that `handing` leaves to
 * somebody else; where it is split, it exports `work` instead. Addresses of inputs, outputs and host scalars are constants in it; scratch lies where the imported global `arena` says.
 */
export function compileProgram(
  program: Program,
  bind: (key: string) => Placement,
  scalars: number,
  kernels: Kernels | undefined,
  tables: Context['tables'],
  handing?: Handing,
  sharing?: Sharing,
): Compiled {
  const splitting = handing === undefined ? sharing?.splitting : undefined;
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
    handing ?? splitting,
  );

  const module = new ModuleBuilder(sharing);
  const used = operationsOf(program);
  for (const op of used) if (isKernelOperation(op)) importKernel(module, op);
  for (const op of splitting?.kernels ?? []) importKernel(module, op);
  const math = new VectorMath(module, used);
  const context = { module, math, scalars, tables, drafts: { before: new Code(), inside: new Code() } };
  const { bytes: arena, own } = plan;
  if (splitting !== undefined) {
    const width = splitting.emit(context, plan);
    return { bytes: module.encode(), arena, own, width, groups: [] };
  }
  let parts = 0;
  const next = (): Func => {
    const run = module.func();
    module.export(`run${parts++}`, run);
    return run;
  };
  emitBlock(context, next(), plan, next);
  return { bytes: module.encode(), arena, own, width: 1, groups: handing?.products(plan) ?? [] };
}
