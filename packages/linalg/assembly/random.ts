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

/** `count` numbers, of size Z, of draw `call`: uniform in (0, 1), normal, or ±1; the same for the same key and call, however many are asked for. */
export function random(Z: usize, to: usize, count: i32, call: f64, seed: u32, stream: u32, distribution: i32): void {
  const turns = Math.floor(call * 2.3283064365386963e-10);
  for (let at: i32 = 0; at < count; at += 2) {
    let a: u32 = at >> 1;
    let b: u32 = 0;
    let c = <u32>(<u64>call);
    let d = <u32>(<u64>turns);
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
    let x: f64, y: f64;
    if (distribution == NORMAL) {
      const radius = Math.sqrt(-2 * f64x2.extract_lane(log(f64x2.splat(open(a))), 0));
      const angle = f64x2.splat(6.283185307179586 * open(b));
      x = radius * f64x2.extract_lane(cos(angle), 0);
      y = radius * f64x2.extract_lane(sin(angle), 0);
    } else {
      x = number(a, distribution);
      y = number(b, distribution);
    }
    set(Z, to, x);
    if (at + 1 < count) set(Z, to + Z, y);
    to += 2 * Z;
  }
}
