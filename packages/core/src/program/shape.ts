/** Sizes of the axes, outermost first; [] is a scalar. Storage is row-major. */
export type Shape = readonly number[];

export const size = (shape: Shape): number => shape.reduce((product, axis) => product * axis, 1);

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((axis, i) => axis === b[i]);

export const printShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** Row-major strides, in elements. */
export function strides(shape: Shape): number[] {
  const result = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = stride;
    stride *= shape[i] ?? 1;
  }
  return result;
}

/** NumPy's broadcast of two shapes, or undefined where they do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** Strides with which a tensor of `shape` is read as if it had shape `to`: 0 along every repeated axis. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = strides(shape);
  return to.map((_, i) => {
    const j = i - to.length + shape.length;
    return j < 0 || shape[j] === 1 ? 0 : (own[j] ?? 0);
  });
}
