// sin x and cos x on pairs of f64.
import { splat, step } from './exponential';

// π/2 in three parts; products of the first two with an integer below 2²⁰ are exact.
const QUARTER_1: f64 = 1.5707963267341256;
const QUARTER_2: f64 = 6.077100506303966e-11;
const QUARTER_3: f64 = 2.0222662487959506e-21;

/** Above it quarter turns are counted by `turn`. */
const FAR: f64 = 823549;

/** The first 64·20 bits of 2/π, 64 at a time. */
function word(i: i32): u64 {
  switch (i) {
    case 0: return 0xa2f9836e4e441529;
    case 1: return 0xfc2757d1f534ddc0;
    case 2: return 0xdb6295993c439041;
    case 3: return 0xfe5163abdebbc561;
    case 4: return 0xb7246e3a424dd2e0;
    case 5: return 0x06492eea09d1921c;
    case 6: return 0xfe1deb1cb129a73e;
    case 7: return 0xe88235f52ebb4484;
    case 8: return 0xe99c7026b45f7e41;
    case 9: return 0x3991d639835339f4;
    case 10: return 0x9c845f8bbdf9283b;
    case 11: return 0x1ff897ffde05980f;
    case 12: return 0xef2f118b5a0a6d1f;
    case 13: return 0x6d367ecf27cb09b7;
    case 14: return 0x4f463f669e5fea2d;
    case 15: return 0x7527bac7ebe5f17b;
    case 16: return 0x3d0739f78a5292ea;
    case 17: return 0x6bfb5fb11f8d5d08;
    case 18: return 0x56033046fc7b6bab;
    case 19: return 0xf0cfbc209af4361d;
    default: return 0;
  }
}

/** 64 bits of 2/π from bit `start` behind the point; those before it are 0. */
function bits(start: i32): u64 {
  const i = start >> 6;
  const shift = start & 63;
  return shift == 0 ? word(i) : (word(i) << shift) | (word(i + 1) >> (64 - shift));
}

/** The upper half of a product. */
function high(a: u64, b: u64): u64 {
  const middle = (a >> 32) * (b & 0xffffffff) + (((a & 0xffffffff) * (b & 0xffffffff)) >> 32);
  return (a >> 32) * (b >> 32) + (middle >> 32) + (((a & 0xffffffff) * (b >> 32) + (middle & 0xffffffff)) >> 32);
}

/** x/(π/2) modulo 4 for a large x, as a signed number of 2⁻⁶² quarter turns (Payne & Hanek 1983). */
function turn(x: f64, part: bool): f64 {
  if (!(abs(x) < Infinity)) return NaN;
  const raw = reinterpret<u64>(x);
  const start = (<i32>(raw >> 52) & 2047) - 1077;
  const digits = (raw & 0xfffffffffffff) | 0x10000000000000;
  const next = bits(start + 64);
  const low = digits * next;
  const below = low + high(digits, bits(start + 128));
  const above = digits * bits(start) + high(digits, next) + u64(below < low);
  const rest = (above << 2) | (below >> 62);
  const turns = <i32>(above >> 62) + <i32>(rest >> 63);
  const result = part ? <f64>(<i64>rest) * 8.515303950216386e-20 : <f64>turns;
  return x < 0 ? -result : result;
}

/** The sine of x plus `quarters` quarter turns: x = nπ/2 + r with |r| ≤ π/4, and a series in r for each of sine and cosine. */
function wave(x: v128, quarters: i32): v128 {
  let n = f64x2.nearest(f64x2.mul(x, splat(0.6366197723675814)));
  let r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, splat(QUARTER_1))), f64x2.mul(n, splat(QUARTER_2)));
  r = f64x2.sub(r, f64x2.mul(n, splat(QUARTER_3)));
  const far = f64x2.gt(f64x2.abs(x), splat(FAR));
  if (v128.any_true(far)) {
    const a = f64x2.extract_lane(x, 0);
    const b = f64x2.extract_lane(x, 1);
    n = v128.bitselect(f64x2.replace_lane(splat(turn(a, false)), 1, turn(b, false)), n, far);
    r = v128.bitselect(f64x2.replace_lane(splat(turn(a, true)), 1, turn(b, true)), r, far);
  }
  const z = f64x2.mul(r, r);
  let sine = splat(2.8114572543455206e-15);
  sine = step(sine, z, -7.647163731819816e-13);
  sine = step(sine, z, 1.6059043836821613e-10);
  sine = step(sine, z, -2.505210838544172e-8);
  sine = step(sine, z, 2.7557319223985893e-6);
  sine = step(sine, z, -1.984126984126984e-4);
  sine = step(sine, z, 8.333333333333333e-3);
  sine = step(sine, z, -0.16666666666666666);
  sine = f64x2.add(f64x2.mul(f64x2.mul(z, r), sine), r);
  let cosine = splat(4.779477332387385e-14);
  cosine = step(cosine, z, -1.1470745597729725e-11);
  cosine = step(cosine, z, 2.08767569878681e-9);
  cosine = step(cosine, z, -2.755731922398589e-7);
  cosine = step(cosine, z, 2.48015873015873e-5);
  cosine = step(cosine, z, -1.388888888888889e-3);
  cosine = step(cosine, z, 4.1666666666666664e-2);
  cosine = step(cosine, z, -0.5);
  cosine = step(cosine, z, 1);
  const q = i64x2.extend_low_i32x4_s(i32x4.add(i32x4.trunc_sat_f64x2_s_zero(n), i32x4.splat(quarters)));
  const odd = i64x2.neg(v128.and(q, i64x2.splat(1)));
  const sign = i64x2.shl(v128.and(q, i64x2.splat(2)), 62);
  return v128.xor(v128.bitselect(cosine, sine, odd), sign);
}

export function sin(x: v128): v128 {
  // Where x is tiny, or −0, it is its own result.
  return v128.bitselect(x, wave(x, 0), f64x2.lt(f64x2.abs(x), splat(1e-300)));
}

export function cos(x: v128): v128 {
  return wave(x, 1);
}
