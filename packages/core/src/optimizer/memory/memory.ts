import { allOf, type Backend, type Floats, type MaybePromise, type Mode, type Role, whenDone } from '../../backend.ts';
import { DisposedError } from '../../errors.ts';
import type { DType } from '../../program/program.ts';
import { type Shape, size } from '../../program/shape.ts';
import type { Slot } from '../../transform/slot.ts';
import type { SavedTensor } from '../checkpoint/safetensors.ts';
import { elementsOf, held, type Storage } from './storage.ts';
import { inTurn } from './turns.ts';

/** The buffers of one optimizer on its backend, by key. */
export class Memory<Native, Buffer> {
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly buffers = new Map<string, { readonly buffer: Buffer; readonly shape: Shape }>();

  /** Keys of tensors without elements: no backend is asked for a buffer of none. */
  private readonly empty = new Set<string>();
  private released = false;

  constructor(backend: Backend<Mode, Mode, Native, Buffer>) {
    this.backend = backend;
  }

  add(key: string, buffer: Buffer, shape: Shape): Buffer {
    this.buffers.set(key, { buffer, shape });
    return buffer;
  }

  create(role: Role, key: string, shape: Shape, dtype: DType): Buffer {
    // Whoever was waiting meanwhile must not take what nobody would give back.
    if (this.released) throw new DisposedError(`'${key}'`);
    return this.add(key, this.backend.create(role, key, shape, dtype), shape);
  }

  /** What the caller or a program brings along beside parameters, gradients and slots: made when it first comes. */
  ensure(role: Role, key: string, shape: Shape, dtype: DType = 'working'): Buffer {
    return this.buffers.get(key)?.buffer ?? this.create(role, key, shape, dtype);
  }

  /** A tensor without elements. */
  addEmpty(key: string): void {
    this.empty.add(key);
  }

  /** What is under a key goes to another memory. */
  handOver(key: string, to: Memory<Native, Buffer>): void {
    const found = this.buffers.get(key);
    if (found !== undefined) to.add(key, found.buffer, found.shape);
    if (this.empty.delete(key)) to.addEmpty(key);
    this.buffers.delete(key);
  }

  /** Gives a buffer out of hand: whoever takes it has to release it. */
  detach(key: string): Buffer | undefined {
    const found = this.buffers.get(key);
    this.buffers.delete(key);
    return found?.buffer;
  }

  /** Gives a slot the value it has before the first step, and 0 where a program has to make that (`Planner.starts`). */
  initialize(slot: Slot, storage: Storage): void {
    const { shape, init = 0 } = slot;
    const value = new Float64Array(size(shape));
    const diagonal = init === 'identity' ? 1 : typeof init === 'object' && 'identity' in init ? init.identity : undefined;
    if (diagonal !== undefined) {
      const n = shape.at(-1) ?? 1;
      for (let i = 0; i < value.length; i += n) value[i + (Math.floor(i / n) % n)] = diagonal;
    } else if (typeof init === 'number' && init !== 0) value.fill(init);
    held(storage, slot, value).forEach((data, i) => {
      const part = storage.parts[i];
      if (part !== undefined) this.write(part.key, data);
    });
  }

  /** The elements of a slot. */
  elements(slot: Slot, storage: Storage): MaybePromise<Floats> {
    const { parts, narrow, packed } = storage;
    if (narrow === undefined && !packed) return this.read(parts[0].key);
    return whenDone(allOf(parts.map(({ key }) => this.read(key))), (buffers) => elementsOf(storage, slot, buffers));
  }

  buffer(key: string): Buffer {
    return this.at(key).buffer;
  }

  shape(key: string): Shape {
    return this.at(key).shape;
  }

  read(key: string): MaybePromise<Floats> {
    if (this.empty.has(key)) {
      const { precision, read } = this.backend;
      const none = precision === 'f64' ? new Float64Array(0) : new Float32Array(0);
      return read === 'async' ? Promise.resolve(none) : none;
    }
    return this.backend.readBuffer(this.buffer(key));
  }

  /** What is in the buffers of these keys, read one after the other and copied. */
  snapshot(keys: readonly string[]): MaybePromise<Map<string, SavedTensor>> {
    const tensors = new Map<string, SavedTensor>();
    const keep = (key: string) => (data: Floats) => void tensors.set(key, { shape: this.shape(key), data: data.slice() });
    return whenDone(
      inTurn(keys, (key) => whenDone(this.read(key), keep(key))),
      () => tensors,
    );
  }

  write(key: string, data: ArrayLike<number> | Native): void {
    this.backend.write(this.buffer(key), data);
  }

  release(): void {
    this.released = true;
    for (const { buffer } of this.buffers.values()) this.backend.release(buffer);
    this.buffers.clear();
  }

  private at(key: string): { readonly buffer: Buffer; readonly shape: Shape } {
    const found = this.buffers.get(key);
    if (found === undefined) throw new DisposedError(`'${key}'`);
    return found;
  }
}
