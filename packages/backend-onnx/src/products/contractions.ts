import { handing, type PartialExecutable, type Product, type ProductSignature, type WasmBackend, type WasmBuffer } from '@opt/backend-wasm';
import { type Program, printShape, size, warn } from '@opt/core';
import type { OnnxEngine } from '../engine.ts';
import type { Lease, Sessions } from '../sessions.ts';
import { groupGraph } from './group-graph.ts';
import { type Leased, PartialRun } from './partial-run.ts';
import { type Choice, plainProducts } from './rewrite.ts';

/** Multiply-adds at which a session is worth its call. */
const enough = 2 ** 25;

/** Multiply-adds from which threads share the work of a product: below, waking them takes as long. */
const sharing = 2 ** 22;

/** Narrower matrices leave ONNX Runtime nothing to be faster with: their products wait for memory. */
const narrowest = 16;

/** Compiles programs whose larger matrix products run in ONNX Runtime. */
export class Contractions {
  readonly #wasm: WasmBackend;
  readonly #engine: OnnxEngine;
  readonly #sessions: Sessions;
  /** Shapes of products that no session could be made for. */
  readonly #refused = new Set<string>();

  constructor(wasm: WasmBackend, engine: OnnxEngine, sessions: Sessions) {
    this.#wasm = wasm;
    this.#engine = engine;
    this.#sessions = sessions;
  }

  /** `threshold`: multiply-adds from which a product is handed over; 0 hands over whatever can be. */
  async compile(program: Program, bind: (key: string) => WasmBuffer, threshold: number): Promise<PartialRun> {
    const chosen: Choice = (product) =>
      possible(product) && (threshold === 0 || pays(product, threshold)) && !this.#refused.has(shapesOf(product));
    const gaps = handing({ takes: (product) => isPlain(product) && chosen(product), enough });
    for (;;) {
      const parts = this.#wasm.compileParts(plainProducts(program, chosen), bind, gaps);
      const groups = await this.#lease(parts);
      if (groups !== undefined) return new PartialRun(this.#wasm, this.#engine, parts, groups);
      parts.dispose();
    }
  }

  /** A session for every group; undefined where one could not be made, and its products are refused from now on. */
  async #lease(parts: PartialExecutable): Promise<readonly Leased[] | undefined> {
    const groups: Leased[] = [];
    for (const products of parts.products) {
      const alone = this.#sessions.threads === 1 || !products.some((product) => workOf(product) >= sharing);
      const group = groupGraph(products, alone ? 4 : 2);
      let lease: Lease;
      try {
        lease = await this.#sessions.lease(group.graph, alone);
      } catch (error) {
        this.#refuse(products, error);
        for (const made of groups) made.lease.release();
        return undefined;
      }
      groups.push({ group, lease });
    }
    return groups;
  }

  #refuse(products: readonly Product[], error: unknown): void {
    const shapes = [...new Set(products.map((product) => shapesOf({ ...product, a: product.a.shape, b: product.b.shape })))];
    for (const shape of shapes) this.#refused.add(shape);
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    warn(`onnx: no session for the products ${shapes.join(', ')} (${why}); WebAssembly computes them`);
  }
}

const shapesOf = ({ a, b, transposeA, transposeB }: Pick<ProductSignature, 'a' | 'b' | 'transposeA' | 'transposeB'>): string =>
  `${printShape(a)}${transposeA ? 'ᵀ' : ''}·${printShape(b)}${transposeB ? 'ᵀ' : ''}`;

const workOf = ({ a, transposeA, result }: Product): number => size(result.shape) * (a.shape.at(transposeA ? -2 : -1) ?? 1);

const isBatched = ({ shape }: Pick<ProductSignature, 'shape'>): boolean => size(shape.slice(0, -2)) > 1;

/** What one operator of ONNX Runtime computes: a batch has no C, and FusedMatMul is there for f32. */
const isPlain = (product: ProductSignature): boolean => {
  const { alpha, beta, type } = product;
  if (alpha === undefined || beta === undefined || (isBatched(product) && beta !== 0)) return false;
  return type === 'f32' || [alpha, beta].every((factor) => factor === Math.fround(factor));
};

const possible: Choice = ({ shape, type }) => type === 'f32' || !isBatched({ shape });

function pays({ a, shape, transposeA, multiplyAdds }: Parameters<Choice>[0], threshold: number): boolean {
  const [m = 1, n = 1] = shape.slice(-2);
  return multiplyAdds >= threshold && Math.min(m, n, a.at(transposeA ? -2 : -1) ?? 1) >= narrowest;
}
