import { BackendError, type Program, resolve } from '@opt/core';
import { memoryOption, type PartialExecutable, WasmBackend } from './backend.ts';
import { isKernelOperation } from './emit/kernel-imports.ts';
import { isMath } from './emit/math.ts';
import { operationsOf } from './operations-of.ts';
import type { WasmOptions } from './wasm.ts';

export type { WasmBackend, WasmBuffer } from './backend.ts';

/**
 * The same backend without linear algebra, random draws, sorting, exponentials, logarithms and waves, for a smaller bundle: elementwise
 * work, reductions and gathers are what SGD, AdamW, Lion and their like consist of, and it runs them bit for bit as `wasm()` of the
 * package does. `createOptimizer` refuses a transform that needs more, in whichever of its first 1000 calls, before anything has moved.
 *
 * @throws OptionRangeError · OptionTypeError
 */
export function wasm(options: Pick<WasmOptions, 'maxMemory'> = {}): WasmBackend {
  return new ElementwiseBackend(resolve('wasm', options, { maxMemory: memoryOption }).maxMemory, undefined);
}

class ElementwiseBackend extends WasmBackend {
  lacks(program: Program): string | undefined {
    const needed = [...operationsOf(program)].find((op) => isKernelOperation(op) || isMath(op));
    return needed && `'${needed}', which '@opt/backend-wasm/elementwise' comes without: import { wasm } from '@opt/backend-wasm'`;
  }

  override compileParts(...given: Parameters<WasmBackend['compileParts']>): PartialExecutable {
    const [program] = given;
    const lacking = this.lacks(program);
    if (lacking !== undefined) throw new BackendError(`wasm: program '${program.name}' needs ${lacking}`);
    return super.compileParts(...given);
  }
}
