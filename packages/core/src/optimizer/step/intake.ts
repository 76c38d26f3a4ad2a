import type { Backend, Floats, Mode } from '../../backend.ts';
import { GradientError } from '../../errors.ts';
import { printShape, type Shape, sameShape, size } from '../../program/shape.ts';
import type { Shapes } from '../../transform/transform.ts';
import { advice, describe, isPlain } from '../../validation/describe.ts';
import { listed } from '../../validation/names.ts';
import { isArrayLike, isTyped, strange } from '../../validation/numbers.ts';
import { gradientKey } from '../memory/keys.ts';
import type { Memory } from '../memory/memory.ts';

/** What came for each parameter, by its position; undefined: nothing did. */
export type Found<Native> = readonly (ArrayLike<number> | Native | undefined)[];

/** What is said of gradients that cannot be right. */
type Complaint = (message: string) => Error;

const ofStep: Complaint = (message) => new GradientError(`step: ${message}`);

/** Takes the gradients of a call apart and puts them into their buffers: everything is looked at before anything is written. */
export class Intake<Native, Buffer> {
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly names: readonly string[];
  private readonly everybody: ReadonlySet<string>;
  private readonly shapes: readonly Shape[];
  private readonly sizes: readonly number[];
  private readonly positions: ReadonlyMap<string, number>;
  private readonly buffers: readonly Buffer[];
  /** Of the call at hand: its array serves every call. */
  private readonly found: (ArrayLike<number> | Native | undefined)[];
  /** Buffers that hold gradients of steps that wait. */
  private readonly held = new Map<Found<Native>, ReadonlyMap<number, Buffer>>();
  /** Whether a caller can see gradient buffers, and so hand over one in place of another. */
  private readonly visible: boolean;
  /** The memory of the host that they lie in then: that of the first, and of all others, mostly the same. */
  private shared: ArrayBufferLike | undefined;
  private readonly memory = new Set<ArrayBufferLike>();
  /** Whether some of the call at hand lie where others are to be written. */
  private crossing = false;

  /** `everybody`: those too that have no elements, of which there is nothing to take in. */
  constructor(backend: Backend<Mode, Mode, Native, Buffer>, shapes: Shapes, everybody: readonly string[], memory: Memory<Native, Buffer>) {
    this.backend = backend;
    this.visible = backend.read === 'sync';
    this.names = Object.keys(shapes);
    this.shapes = Object.values(shapes);
    this.everybody = new Set(everybody);
    this.sizes = this.shapes.map(size);
    this.positions = new Map(this.names.map((name, i) => [name, i]));
    this.buffers = this.names.map((name, i) => memory.create('gradient', gradientKey(name), this.shapes[i] ?? [], 'working'));
    this.found = this.names.map(() => undefined);
  }

  /** By position, good until the next call; throws on whatever is not a gradient of a parameter. Builds no message otherwise. */
  read(given: unknown, complain: Complaint = ofStep): Found<Native> {
    const { found } = this;
    if (!isPlain(given)) throw complain(`gradients must be an object, by parameter name, received ${describe(given)}${advice(given)}`);
    found.fill(undefined);
    this.crossing = false;
    if (this.visible) this.look();
    for (const name in given) {
      const i = this.positions.get(name);
      const gradient = given[name];
      if (i === undefined) {
        // What somebody added to Object.prototype is nobody's gradient.
        if (!Object.hasOwn(given, name)) continue;
        if (!this.everybody.has(name))
          throw complain(`gradient '${name}' belongs to no parameter, known are ${listed([...this.everybody])}`);
        this.checkNone(name, gradient, complain);
        continue;
      }
      if (gradient !== undefined && gradient !== null) found[i] = this.checked(i, gradient, complain);
    }
    return found;
  }

  /** What may change or go once the call has returned, as it is now: for a step that has to wait, and then to be released. */
  kept(found: Found<Native>): Found<Native> {
    const natives = found.flatMap((gradient, i) => (gradient === undefined || isHostArray(gradient) ? [] : [{ i, gradient }]));
    if (natives.length > 0 && this.backend.copy === undefined)
      throw ofStep(
        `gradient of '${this.names[natives[0]?.i ?? 0]}' lies on a device, where '${this.backend.name}' cannot keep it until the call before is over; await that`,
      );
    const kept = arraysCopied(found);
    const held = new Map<number, Buffer>();
    this.held.set(kept, held);
    try {
      for (const { i, gradient } of natives) {
        const buffer = this.backend.create('gradient', gradientKey(this.names[i] ?? ''), this.shapes[i] ?? [], 'working');
        held.set(i, buffer);
        this.backend.write(buffer, gradient);
      }
    } catch (error) {
      this.release(kept);
      throw error;
    }
    return kept;
  }

  release(kept: Found<Native>): void {
    for (const buffer of this.held.get(kept)?.values() ?? []) this.backend.release(buffer);
    this.held.delete(kept);
  }

  write(given: Found<Native>): void {
    const found = given === this.found && this.crossing ? arraysCopied(given) : given;
    const held = this.held.get(given);
    for (let i = 0; i < found.length; i++) {
      const gradient = found[i];
      const buffer = this.buffers[i];
      if (gradient === undefined || buffer === undefined) continue;
      const there = held?.get(i);
      if (there === undefined) this.backend.write(buffer, gradient);
      else this.backend.copy?.(there, buffer);
    }
  }

  private checked(i: number, gradient: unknown, complain: Complaint): ArrayLike<number> | Native {
    const wanted = this.sizes[i] ?? 0;
    // Nearly always.
    if ((gradient instanceof Float32Array || gradient instanceof Float64Array) && gradient.length === wanted) {
      if (this.visible && this.crosses(i, gradient)) this.crossing = true;
      return gradient;
    }
    const shape = this.backend.shapeOf?.(gradient);
    const expected = this.shapes[i] ?? [];
    if (shape !== undefined) {
      if (fits(shape, expected) && isNative<Native>(gradient)) return gradient;
      throw complain(`gradient of '${this.names[i]}' must have shape ${printShape(expected)}, received ${printShape(shape)}`);
    }
    const wrong = strange(gradient, wanted);
    if (wrong === undefined && isHostArray(gradient)) return gradient;
    throw complain(`gradient of '${this.names[i]}' must ${this.refusal(i, gradient, wrong ?? describe(gradient))}`);
  }

  /** A gradient without elements, or none. */
  private checkNone(name: string, gradient: unknown, complain: Complaint): void {
    if (gradient === undefined || gradient === null) return;
    const shape = this.backend.shapeOf?.(gradient);
    if (shape === undefined ? isArrayLike(gradient) && gradient.length === 0 : size(shape) === 0) return;
    throw complain(`gradient of '${name}' must have no elements, received ${shape === undefined ? describe(gradient) : printShape(shape)}`);
  }

  private refusal(i: number, gradient: unknown, received: string): string {
    const elements = `${this.sizes[i]} elements (shape ${printShape(this.shapes[i] ?? [])})`;
    if (!isArrayLike(gradient)) return `be an array of ${elements}, received ${received}${advice(gradient)}`;
    if (gradient.length !== this.sizes[i]) return `have ${elements}, received ${received}${isGone(gradient) ? gone : ''}`;
    return `be an array of numbers, received ${received}${advice(gradient)}`;
  }

  /** Whether a gradient lies where another parameter's is about to be written, such as in `{ a: o.gradients.b, b: o.gradients.a }`. */
  private crosses(i: number, gradient: Floats): boolean {
    const { buffer } = gradient;
    if (buffer !== this.shared && (this.memory.size < 2 || !this.memory.has(buffer))) return false;
    const own = this.view(i);
    return buffer !== own?.buffer || gradient.byteOffset !== own.byteOffset;
  }

  /** Where gradient buffers lie now: their memory moves when it grows. */
  private look(): void {
    const first = this.view(0);
    if (first !== undefined && first.buffer !== this.shared) this.remember(first.buffer);
  }

  private remember(shared: ArrayBufferLike): void {
    this.shared = shared;
    this.memory.clear();
    for (const i of this.buffers.keys()) {
      const view = this.view(i);
      if (view !== undefined) this.memory.add(view.buffer);
    }
  }

  private view(i: number): Floats | undefined {
    const buffer = this.buffers[i];
    const view = buffer === undefined ? undefined : this.backend.readBuffer(buffer);
    return view instanceof Float32Array || view instanceof Float64Array ? view : undefined;
  }
}

/** As it is, or flat. */
const fits = (shape: Shape, expected: Shape): boolean => sameShape(shape, expected) || (shape.length === 1 && shape[0] === size(expected));

/** What `shapeOf` gave a shape of is native; and what is left then was looked at by `strange`. */
const isNative = <Native>(_: unknown): _ is Native => true;
const isHostArray = (value: unknown): value is ArrayLike<number> => isArrayLike(value);

const arraysCopied = <Native>(found: Found<Native>): Found<Native> =>
  found.map((gradient) => (isHostArray(gradient) ? copied(gradient) : gradient));

const copied = (values: ArrayLike<number>): Floats => (values instanceof Float32Array ? values.slice() : Float64Array.from(values));

/** A view whose memory was taken away under it. */
const isGone = (value: ArrayLike<unknown>): boolean =>
  isTyped(value) && ArrayBuffer.isView(value) && value.length === 0 && value.buffer.byteLength === 0;
const gone = ': its memory has moved; read `optimizer.gradients` again, or keep an array of your own';
