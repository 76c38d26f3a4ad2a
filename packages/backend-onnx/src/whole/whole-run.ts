import type { WasmBackend, WasmBuffer } from '@opt/backend-wasm';
import { BackendError, type Floats, type Program } from '@opt/core';
import type { OnnxEngine, OnnxSession, Tensors } from '../engine.ts';
import type { Graph } from '../onnx/model.ts';
import type { Lease, Sessions } from '../sessions.ts';
import { elementType, lowerProgram } from './lower.ts';
import { constantsIn, Names, Scope } from './scope.ts';

const hostScalars = 'host';

/** A program as one graph: its inputs under their keys, its outputs under names of their own, host scalars as one vector. */
export function wholeGraph(program: Program): { readonly graph: Graph; readonly outputs: readonly string[] } {
  const names = new Names();
  const types = new Map(program.inputs.map(({ key, dtype }) => [key, elementType(dtype)]));
  const lowered = lowerProgram(program, names, {
    input: (key) => ({ name: key, type: types.get(key) ?? 'float' }),
    host: (scope, index) =>
      scope.add('Gather', [{ name: hostScalars, type: 'double' }, scope.scalar(index, 'int64')], { axis: { int: 0 } }),
  });
  const last = new Scope(names);
  const outputs = program.outputs.map(({ dtype, shape }, i) => {
    const value = lowered.results[i] ?? { name: '', type: 'float' };
    return { ...last.add('Identity', [last.cast(value, elementType(dtype))]), shape };
  });
  const inputs = program.inputs.map(({ key, shape, dtype }) => ({ name: key, type: elementType(dtype), shape }));
  const host =
    program.host.scalars.length === 0 ? [] : [{ name: hostScalars, type: 'double' as const, shape: [program.host.scalars.length] }];
  const nodes = [...lowered.nodes, ...last.nodes];
  const constants = constantsIn(nodes, names.constants);
  const graph = { name: program.name, nodes, inputs: [...inputs, ...host], outputs, constants };
  return { graph, outputs: outputs.map(({ name }) => name) };
}

/** Runs a program as one session; what it replaces is written when all of it is computed. */
export class WholeRun {
  readonly #wasm: WasmBackend;
  readonly #engine: OnnxEngine;
  readonly #program: Program;
  readonly #bind: (key: string) => WasmBuffer;
  readonly #lease: Lease;
  readonly #outputs: readonly string[];
  readonly #host: Float64Array;
  #disposed = false;

  static async compile(
    wasm: WasmBackend,
    engine: OnnxEngine,
    sessions: Sessions,
    program: Program,
    bind: (key: string) => WasmBuffer,
  ): Promise<WholeRun> {
    const { graph, outputs } = wholeGraph(program);
    return new WholeRun(wasm, engine, program, bind, await sessions.lease(graph), outputs);
  }

  private constructor(
    wasm: WasmBackend,
    engine: OnnxEngine,
    program: Program,
    bind: (key: string) => WasmBuffer,
    lease: Lease,
    outputs: readonly string[],
  ) {
    this.#wasm = wasm;
    this.#engine = engine;
    this.#program = program;
    this.#bind = bind;
    this.#lease = lease;
    this.#outputs = outputs;
    this.#host = new Float64Array(program.host.scalars.length);
  }

  set(scalars: Float64Array): void {
    this.#host.set(scalars);
  }

  async run(): Promise<void> {
    if (this.#disposed) return;
    const { outputs } = this.#program;
    const results = await this.#compute();
    if (this.#disposed) return;
    for (const [i, { key }] of outputs.entries()) {
      const data = results[this.#outputs[i] ?? '']?.data;
      if (!(data instanceof Float32Array || data instanceof Float64Array))
        throw new BackendError(`onnx: the session of program '${this.#program.name}' gave no numbers for '${key}'`);
      this.#wasm.write(this.#bind(key), data);
    }
  }

  async #compute(): ReturnType<OnnxSession['run']> {
    for (;;) {
      const { layout } = this.#wasm;
      try {
        return await this.#lease.session.run(this.#feeds());
      } catch (error) {
        // Where memory grew before the session began, it met views of nothing. Nothing is written before all is computed.
        if (this.#disposed || layout === this.#wasm.layout) throw error;
      }
    }
  }

  /** Views of the memory as it lies now. */
  #feeds(): Tensors {
    return Object.fromEntries([
      ...this.#program.inputs.map(({ key, shape }) => [key, this.#tensor(this.#wasm.readBuffer(this.#bind(key)), shape)]),
      ...(this.#host.length > 0 ? [[hostScalars, this.#tensor(this.#host, [this.#host.length])]] : []),
    ]);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#lease.release();
  }

  #tensor(data: Floats, shape: readonly number[]) {
    return data instanceof Float32Array ? new this.#engine.Tensor('float32', data, shape) : new this.#engine.Tensor('float64', data, shape);
  }
}
