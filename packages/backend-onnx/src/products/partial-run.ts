import type { PartialExecutable, WasmBackend } from '@opt/backend-wasm';
import type { OnnxEngine, Tensors } from '../engine.ts';
import type { Lease } from '../sessions.ts';
import type { Bound, GroupGraph } from './group-graph.ts';

/** A group of products and the session that computes them. */
export interface Leased {
  readonly group: GroupGraph;
  readonly lease: Lease;
}

/** Runs a program part by part, and between the parts its products in ONNX Runtime, on the same memory. */
export class PartialRun {
  readonly #wasm: WasmBackend;
  readonly #engine: OnnxEngine;
  readonly #parts: PartialExecutable;
  readonly #groups: readonly Leased[];
  #bound: readonly { readonly feeds: Tensors; readonly fetches: Tensors }[] = [];
  #layout: object | undefined;
  #disposed = false;

  constructor(wasm: WasmBackend, engine: OnnxEngine, parts: PartialExecutable, groups: readonly Leased[]) {
    this.#wasm = wasm;
    this.#engine = engine;
    this.#parts = parts;
    this.#groups = groups;
  }

  /** Sets the host scalars of the next run; before the next run only. */
  set(scalars: Float64Array): void {
    this.#parts.set(scalars);
  }

  run(): Promise<void> | undefined {
    if (this.#disposed) return undefined;
    this.#parts.run(0);
    return this.#groups.length === 0 ? undefined : this.#goOn();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#parts.dispose();
    for (const { lease } of this.#groups) lease.release();
  }

  async #goOn(): Promise<void> {
    for (const [i, { lease }] of this.#groups.entries()) {
      await this.#compute(i, lease);
      if (this.#disposed) return;
      this.#parts.run(i + 1);
    }
  }

  async #compute(i: number, { session }: Lease): Promise<void> {
    for (;;) {
      const layout = this.#bind();
      const tensors = this.#bound[i];
      if (tensors === undefined) return;
      try {
        await session.run(tensors.feeds, tensors.fetches);
        return;
      } catch (error) {
        // Where memory grew before the session began, it met views of nothing, and wrote nothing.
        if (this.#disposed || layout === this.#wasm.layout) throw error;
      }
    }
  }

  /** Tensors on the memory as it lies now; gives its layout. */
  #bind(): object {
    const { layout } = this.#wasm;
    if (layout === this.#layout) return layout;
    const tensors = (bounds: readonly Bound[]): Tensors => Object.fromEntries(bounds.map((bound) => [bound.name, this.#tensor(bound)]));
    this.#bound = this.#groups.map(({ group }) => ({ feeds: tensors(group.feeds), fetches: tensors(group.fetches) }));
    this.#layout = layout;
    return layout;
  }

  #tensor({ place, shape }: Bound) {
    const view = this.#wasm.viewOf(place);
    return view instanceof Float32Array ? new this.#engine.Tensor('float32', view, shape) : new this.#engine.Tensor('float64', view, shape);
  }
}
