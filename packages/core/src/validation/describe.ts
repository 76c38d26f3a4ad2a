/**
 * A received value in words, for messages: short, and never the value's own code that runs (a getter, a `toString`).
 */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
    case 'bigint':
      return `the bigint ${value}n`;
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return String(value);
  }
}

/** What to write instead of a value that is a step away from the right one, to be appended to a message; '' where nothing is known. */
export function advice(value: unknown): string {
  if (typeof value === 'function') {
    const { name } = value;
    if (/^class\b/.test(Function.prototype.toString.call(value))) return `; make one with new ${name}(…)`;
    return name === '' ? '; call it' : `; call it: ${name}()`;
  }
  if (typeof value !== 'object' || value === null) return '';
  if (isThenable(value)) return '; await it first';
  if (value instanceof Map) return '; write Object.fromEntries(map)';
  if (value instanceof ArrayBuffer || value instanceof DataView) return '; write new Float32Array(buffer)';
  if (isBigInts(value)) return '; write Float64Array.from(values, Number)';
  if (isTfTensor(value) || isJaxArray(value)) return '; hand over its numbers: await x.data()';
  return '';
}

/** An object of names and values: neither an instance of a class nor an array, so that what it holds is what it lists. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  // An object of another realm (a frame, a vm) has that realm's Object.prototype, which again has none.
  return prototype === Object.prototype || prototype === null || Object.hasOwn(prototype, 'hasOwnProperty');
}

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

export const isBigInts = (value: unknown): value is BigInt64Array | BigUint64Array =>
  value instanceof BigInt64Array || value instanceof BigUint64Array;

const isTfTensor = (value: object): boolean => 'dataId' in value && 'rankType' in value;
const isJaxArray = (value: object): boolean => 'dataSync' in value && 'ref' in value && 'device' in value;

function describeObject(value: object): string {
  if (isThenable(value)) return 'a Promise (is an await missing?)';
  if (Array.isArray(value)) return 'an array';
  if (isTfTensor(value)) return 'isDisposed' in value && value.isDisposed === true ? 'a tf.Tensor that was disposed of' : 'a tf.Tensor';
  if (isJaxArray(value)) return 'a jax-js array';
  if (isPlain(value)) return 'an object';
  const made: unknown = 'constructor' in value ? value.constructor : undefined;
  const name = typeof made === 'function' ? made.name : '';
  return name === '' ? 'an object' : `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}
