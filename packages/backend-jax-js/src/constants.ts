import { BackendError, type Block, type DType, type Node } from '@opt/core';
import { type JaxArray, type JaxDevice, typeOf, upload } from './jax.ts';

/** The name under which a compiled segment is handed an array that does not depend on the program's inputs. */
export type ConstantKey = `scalars ${'float32' | 'float64'}` | `iota ${number}`;

const scalarsKey = (dtype: DType): ConstantKey => (dtype === 'working' ? 'scalars float32' : 'scalars float64');
const iotaKey = (n: number): ConstantKey => `iota ${n}`;

/**
 * Every number a program contains or is handed, as vectors that go in as inputs: 0 … n−1, and the literals followed by the host
 * scalars. What changes from step to step is thereby never compiled in, and jax-js, which simplifies x·0 to 0 whatever x is and
 * reorders sums with literals, has nothing to simplify.
 */
export class Constants {
  private readonly device: JaxDevice;
  private readonly literals: number[] = [Infinity];
  private readonly positions = new Map<string, number>();
  private readonly iotas = new Map<ConstantKey, JaxArray>();
  private readonly lengths = new Set<number>();
  private numbers = new Float64Array(0);
  private current = new Map<ConstantKey, JaxArray>();

  constructor(program: Block, hostScalars: number, device: JaxDevice) {
    this.device = device;
    this.collect(program);
    this.numbers = new Float64Array(this.literals.length + hostScalars);
    this.numbers.set(this.literals);
    for (const n of this.lengths)
      this.iotas.set(
        iotaKey(n),
        upload(
          Float32Array.from({ length: n }, (_, i) => i),
          [n],
          device,
        ),
      );
  }

  /** Takes this run's host scalars. */
  begin(scalars: Float64Array): void {
    this.numbers.set(scalars, this.literals.length);
  }

  /** Frees what belongs to this run. */
  end(): void {
    for (const array of this.current.values()) array.dispose();
    this.current.clear();
  }

  dispose(): void {
    this.end();
    for (const array of this.iotas.values()) array.dispose();
    this.iotas.clear();
  }

  /** The number a literal or a host scalar stands for in this run. */
  number({ operation }: Node): number {
    if (operation.op === 'literal') return operation.value;
    return operation.op === 'host' ? (this.numbers[this.literals.length + operation.index] ?? 0) : 0;
  }

  /** The array for a key, lent. */
  array(key: ConstantKey): JaxArray {
    const known = this.iotas.get(key) ?? this.current.get(key);
    if (known !== undefined) return known;
    const wide = key === scalarsKey('wide');
    const made = upload(wide ? this.numbers : Float32Array.from(this.numbers), [this.numbers.length], this.device);
    this.current.set(key, made);
    return made;
  }

  /** What a segment needs to be handed so that `node` can be written. */
  static needed(node: Node, operandTypes: readonly DType[]): ConstantKey[] {
    const { op } = node.operation;
    if (op === 'literal' || op === 'host') return [scalarsKey(node.dtype)];
    if (op === 'iota') return [iotaKey(node.shape[0] ?? 0)];
    if (op === 'setRow') return [iotaKey(node.shape[0] ?? 0)];
    return op === 'isFinite' ? [scalarsKey(operandTypes[0] ?? 'working')] : [];
  }

  /** Writes a literal, a host scalar or an iota from the arrays a segment was handed; gives a reference of its own. */
  write(node: Node, given: ReadonlyMap<ConstantKey, JaxArray>): JaxArray {
    const { operation, dtype } = node;
    if (operation.op === 'literal') return this.entry(this.positions.get(name(operation.value)) ?? 0, dtype, given);
    if (operation.op === 'host') return this.entry(this.literals.length + operation.index, dtype, given);
    const counted = iota(node.shape[0] ?? 0, given);
    return dtype === 'working' ? counted : counted.astype(typeOf(dtype));
  }

  private entry(position: number, dtype: DType, given: ReadonlyMap<ConstantKey, JaxArray>): JaxArray {
    return from(given, scalarsKey(dtype)).slice(position);
  }

  private collect(block: Block): void {
    for (const { operation, shape } of block.nodes) {
      if (operation.op === 'literal' && !this.positions.has(name(operation.value)))
        this.positions.set(name(operation.value), this.literals.push(operation.value) - 1);
      if (operation.op === 'iota' || operation.op === 'setRow') this.lengths.add(shape[0] ?? 0);
      if (operation.op !== 'repeat') continue;
      this.collect(operation.body);
      if (operation.until !== undefined) this.collect(operation.until);
    }
  }
}

const name = (value: number): string => (Object.is(value, -0) ? '-0' : `${value}`);

/** 0 … n−1 in f32, a reference of its own. */
export const iota = (n: number, given: ReadonlyMap<ConstantKey, JaxArray>): JaxArray => from(given, iotaKey(n));

/** +∞, an input like every other number: it is the first literal. */
export const infinity = (dtype: DType, given: ReadonlyMap<ConstantKey, JaxArray>): JaxArray => from(given, scalarsKey(dtype)).slice(0);

function from(given: ReadonlyMap<ConstantKey, JaxArray>, key: ConstantKey): JaxArray {
  const found = given.get(key);
  if (found === undefined) throw new BackendError(`jax-js: a segment was not handed '${key}'`);
  return found.ref;
}
