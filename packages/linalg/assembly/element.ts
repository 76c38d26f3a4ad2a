// Vector helpers for an element type known at run time, by its size Z: 4 for float32, 8 for float64. What does little per element is
// written with these and so compiled once, not once a type.
import * as vector from './vector';

// @ts-ignore: decorator
@inline
export function get(Z: usize, at: usize): f64 {
  return Z == 4 ? <f64>load<f32>(at) : load<f64>(at);
}

// @ts-ignore: decorator
@inline
export function set(Z: usize, at: usize, value: f64): void {
  if (Z == 4) store<f32>(at, <f32>value);
  else store<f64>(at, value);
}

/** xᵀy. */
export function dot(Z: usize, n: i32, x: usize, y: usize): f64 {
  return Z == 4 ? <f64>vector.dot<f32>(n, x, y) : vector.dot<f64>(n, x, y);
}

/** y ← y + a·x. */
export function axpy(Z: usize, n: i32, a: f64, x: usize, y: usize): void {
  if (Z == 4) vector.axpy<f32>(n, <f32>a, x, y);
  else vector.axpy<f64>(n, a, x, y);
}

/** Rows of X [rows,n] ← X − w·uᵀ; elements of w are `stepW` bytes apart. */
export function subtractOuter(Z: usize, rows: i32, n: i32, w: usize, stepW: usize, u: usize, x: usize, ld: usize): void {
  if (Z == 4) vector.subtractOuter<f32>(rows, n, w, stepW, u, x, ld);
  else vector.subtractOuter<f64>(rows, n, w, stepW, u, x, ld);
}

/** x ← a·x. */
export function scale(Z: usize, n: i32, a: f64, x: usize): void {
  if (Z == 4) vector.scale<f32>(n, <f32>a, x);
  else vector.scale<f64>(n, a, x);
}

/** Σ x². */
export function sumOfSquares(Z: usize, n: i32, x: usize): f64 {
  return Z == 4 ? vector.sumOfSquares<f32>(n, x) : vector.sumOfSquares<f64>(n, x);
}

/** max |A| of a matrix, or NaN if any element is NaN or infinite. */
export function maxAbs(Z: usize, m: i32, n: i32, a: usize, ld: usize): f64 {
  return Z == 4 ? vector.maxAbs<f32>(m, n, a, ld) : vector.maxAbs<f64>(m, n, a, ld);
}

/** Fills an [m,n] matrix. */
export function fill(Z: usize, m: i32, n: i32, a: usize, ld: usize, value: f64): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) set(Z, a + i * ld + j * Z, value);
  }
}

/**
 * Element (i, j) of [m,n] at `to` ← s times that at `from`, of element sizes `to` and `from`: both have a step for i and one for j.
 * Where there is an `order`, j of `from` is its j-th entry, and −1 stands for zeros.
 */
export function rearrange(
  fromZ: usize, toZ: usize, m: i32, n: i32, s: f64,
  from: usize, fromI: usize, fromJ: usize, order: usize, to: usize, toI: usize, toJ: usize,
): void {
  if (fromZ == 8) {
    if (toZ == 8) vector.rearrange<f64, f64>(m, n, s, from, fromI, fromJ, order, to, toI, toJ);
    else vector.rearrange<f64, f32>(m, n, s, from, fromI, fromJ, order, to, toI, toJ);
  } else if (toZ == 8) vector.rearrange<f32, f64>(m, n, s, from, fromI, fromJ, order, to, toI, toJ);
  else vector.rearrange<f32, f32>(m, n, s, from, fromI, fromJ, order, to, toI, toJ);
}

/** Bytes of a row of n elements, a multiple of 16 with room for four. */
export function rowBytes(Z: usize, n: i32): usize {
  return <usize>((n + 3) & ~3) * Z;
}
