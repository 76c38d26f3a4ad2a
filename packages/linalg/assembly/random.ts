// Counter-based draws: Philox 4×32-10 (Salmon et al. 2011) with counter (position of the pair, call) and key (seed, stream).
import { set } from './element';
import { log } from './exponential';
import { cos, sin } from './wave';

const UNIFORM: i32 = 0;
const NORMAL: i32 = 1;

/** A word as a number in (0, 1). */
// @ts-ignore: decorator
@inline
function open(x: u32): f64 {
  return (<f64>x + 0.5) * 2.3283064365386963e-10;
}

// @ts-ignore: decorator
@inline
function number(x: u32, distribution: i32): f64 {
  return distribution == UNIFORM ? open(x) : <i32>x < 0 ? 1 : -1;
}

/** The two words of one pair of numbers: of its position, the call and the key. */
function words(pair: u32, c: u32, d: u32, seed: u32, stream: u32): u64 {
  let a = pair;
  let b: u32 = 0;
  let k0 = seed;
  let k1 = stream;
  for (let round = 0; round < 10; round++) {
    const first = <u64>a * 0xd2511f53;
    const second = <u64>c * 0xcd9e8d57;
    a = <u32>(second >> 32) ^ b ^ k0;
    c = <u32>(first >> 32) ^ d ^ k1;
    b = <u32>second;
    d = <u32>first;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return (<u64>a << 32) | <u64>b;
}

/** Normal numbers of two pairs, as (x₀, x₁) and (y₀, y₁). */
let x: v128 = f64x2.splat(0);
let y: v128 = f64x2.splat(0);
function normals(first: u64, second: u64): void {
  const uniform = f64x2.replace_lane(f64x2.splat(open(<u32>(first >> 32))), 1, open(<u32>(second >> 32)));
  const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), log(uniform)));
  const turns = f64x2.replace_lane(f64x2.splat(open(<u32>first)), 1, open(<u32>second));
  const angle = f64x2.mul(f64x2.splat(6.283185307179586), turns);
  x = f64x2.mul(radius, cos(angle));
  y = f64x2.mul(radius, sin(angle));
}

/** `count` numbers, of size Z, of draw `call`: uniform in (0, 1), normal, or ±1; the same for the same key and call, however many are asked for. */
export function random(Z: usize, to: usize, count: i32, call: f64, seed: u32, stream: u32, distribution: i32): void {
  const d = <u32>Math.floor(call * 2.3283064365386963e-10);
  const c = <u32>(<u64>call);
  // Two pairs at a time: logarithms and waves come in twos.
  for (let at: i32 = 0; at < count; at += 4) {
    const first = words(at >> 1, c, d, seed, stream);
    const second = at + 2 < count ? words((at >> 1) + 1, c, d, seed, stream) : first;
    if (distribution == NORMAL) {
      normals(first, second);
      set(Z, to, f64x2.extract_lane(x, 0));
      if (at + 1 < count) set(Z, to + Z, f64x2.extract_lane(y, 0));
      if (at + 2 < count) set(Z, to + 2 * Z, f64x2.extract_lane(x, 1));
      if (at + 3 < count) set(Z, to + 3 * Z, f64x2.extract_lane(y, 1));
    } else {
      set(Z, to, number(<u32>(first >> 32), distribution));
      if (at + 1 < count) set(Z, to + Z, number(<u32>first, distribution));
      if (at + 2 < count) set(Z, to + 2 * Z, number(<u32>(second >> 32), distribution));
      if (at + 3 < count) set(Z, to + 3 * Z, number(<u32>second, distribution));
    }
    to += 4 * Z;
  }
}
