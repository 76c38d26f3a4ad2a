// Vector helpers shared by all kernels: T is f32 (4 lanes) or f64 (2 lanes), every pointer is in bytes, lengths are in elements.

/** Lanes of a vector. */
// @ts-ignore: decorator
@inline
export function lanes<T>(): i32 {
  return 16 / <i32>sizeof<T>();
}

/** a·b + c, in this order: src/fuse.ts looks for a product, a local and a sum to make one instruction of. */
// @ts-ignore: decorator
@inline
export function fma<T>(a: v128, b: v128, c: v128): v128 {
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** c − a·b. */
// @ts-ignore: decorator
@inline
export function fnma<T>(a: v128, b: v128, c: v128): v128 {
  return v128.sub<T>(c, v128.mul<T>(a, b));
}

/** The sum of the lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes<T>(v: v128): T {
  if (sizeof<T>() == 8) return <T>(f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1));
  const half = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return <T>(f32x4.extract_lane(half, 0) + f32x4.extract_lane(half, 1));
}

// @ts-ignore: decorator
@inline
export function zero<T>(): v128 {
  return v128.splat<T>(<T>0);
}

/** n rounded up to a multiple of `to`, a power of two. */
// @ts-ignore: decorator
@inline
export function roundUp(n: i32, to: i32): i32 {
  return (n + to - 1) & -to;
}

/** xᵀy. */
export function dot<T>(n: i32, x: usize, y: usize): T {
  const L = lanes<T>();
  let s0 = zero<T>();
  let s1 = zero<T>();
  let i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    s0 = fma<T>(v128.load(x), v128.load(y), s0);
    s1 = fma<T>(v128.load(x, 16), v128.load(y, 16), s1);
    x += 32;
    y += 32;
  }
  if (i + L <= n) {
    s0 = fma<T>(v128.load(x), v128.load(y), s0);
    x += 16;
    y += 16;
    i += L;
  }
  let s = sumLanes<T>(v128.add<T>(s0, s1));
  for (; i < n; i++) {
    s += load<T>(x) * load<T>(y);
    x += sizeof<T>();
    y += sizeof<T>();
  }
  return s;
}

/** y ← y + a·x. */
export function axpy<T>(n: i32, a: T, x: usize, y: usize): void {
  const L = lanes<T>();
  const va = v128.splat<T>(a);
  let i = 0;
  for (; i + L <= n; i += L) {
    v128.store(y, fma<T>(va, v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
  for (; i < n; i++) {
    store<T>(y, load<T>(y) + a * load<T>(x));
    x += sizeof<T>();
    y += sizeof<T>();
  }
}

/** Rows of X [rows,n] ← X − w·uᵀ; elements of w are `stepW` bytes apart. */
export function subtractOuter<T>(rows: i32, n: i32, w: usize, stepW: usize, u: usize, x: usize, ld: usize): void {
  const Z = sizeof<T>();
  const end = <usize>n * Z;
  const whole = <usize>(n & -lanes<T>()) * Z;
  for (; rows > 0; rows--) {
    const a = load<T>(w);
    const va = v128.splat<T>(a);
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(x + at, fnma<T>(va, v128.load(u + at), v128.load(x + at)));
    for (; at < end; at += Z) store<T>(x + at, load<T>(x + at) - a * load<T>(u + at));
    w += stepW;
    x += ld;
  }
}

/** x ← a·x. */
export function scale<T>(n: i32, a: T, x: usize): void {
  const L = lanes<T>();
  const va = v128.splat<T>(a);
  let i = 0;
  for (; i + L <= n; i += L) {
    v128.store(x, v128.mul<T>(va, v128.load(x)));
    x += 16;
  }
  for (; i < n; i++) {
    store<T>(x, a * load<T>(x));
    x += sizeof<T>();
  }
}

/** Σ x² in float64, so that squares of small float32 values do not underflow. */
export function sumOfSquares<T>(n: i32, x: usize): f64 {
  let s = f64x2.splat(0);
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const v = sizeof<T>() == 8 ? v128.load(x) : f64x2.promote_low_f32x4(v128.load64_zero(x));
    s = fma<f64>(v, v, s);
    x += 2 * sizeof<T>();
  }
  let total = sumLanes<f64>(s);
  if (i < n) {
    const v = <f64>load<T>(x);
    total += v * v;
  }
  return total;
}

/** max |A| of a matrix, or NaN if any element is NaN or infinite. `ld` in bytes. */
export function maxAbs<T>(m: i32, n: i32, a: usize, ld: usize): f64 {
  const L = lanes<T>();
  let largest = zero<T>();
  // x − x is 0 for finite x and NaN otherwise, and NaN survives a sum.
  let poison = zero<T>();
  let tail = <T>0;
  let tailPoison = <T>0;
  for (let i = 0; i < m; i++) {
    const row = a + i * ld;
    let j = 0;
    for (; j + L <= n; j += L) {
      const v = v128.load(row + j * sizeof<T>());
      // pmax, unlike max, is one instruction; NaN is caught by the other sum.
      largest = v128.pmax<T>(largest, v128.abs<T>(v));
      poison = v128.add<T>(poison, v128.sub<T>(v, v));
    }
    for (; j < n; j++) {
      const v = load<T>(row + j * sizeof<T>());
      tail = max<T>(tail, abs<T>(v));
      tailPoison += v - v;
    }
  }
  let result = tail;
  if (sizeof<T>() == 8) {
    result = max<T>(result, <T>max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1)));
  } else {
    result = max<T>(result, <T>max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)));
    result = max<T>(result, <T>max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)));
  }
  return <f64>result + <f64>(tailPoison + sumLanes<T>(poison));
}

/** The power of two s with s·x in [½, 1) for finite x > 0, kept inside the normal range of elements of size Z. */
export function powerOfTwoFor(Z: usize, x: f64): f64 {
  let exponent = <i32>((reinterpret<u64>(x) >> 52) & 2047) - 1022;
  const limit = Z == 8 ? 1000 : 125;
  exponent = max(min(exponent, limit), -limit);
  return reinterpret<f64>(<u64>(1023 - exponent) << 52);
}

/** Described in element.ts. Eight of i at a time touch few enough cache lines on both sides of a transposition. */
export function rearrange<From, To>(
  m: i32, n: i32, s: f64, from: usize, fromI: usize, fromJ: usize, order: usize, to: usize, toI: usize, toJ: usize,
): void {
  for (let i0 = 0; i0 < m; i0 += 8) {
    const count = min(8, m - i0);
    for (let j = 0; j < n; j++) {
      const source = order == 0 ? j : load<i32>(order + (<usize>j << 2));
      let at = from + i0 * fromI + source * fromJ;
      let put = to + i0 * toI + j * toJ;
      for (let i = 0; i < count; i++) {
        store<To>(put, source < 0 ? <To>0 : <To>s * <To>load<From>(at));
        at += fromI;
        put += toI;
      }
    }
  }
}
