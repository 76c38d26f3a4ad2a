// eˣ, eˣ − 1, ln x and xʸ on pairs of f64, without a branch; within about an ulp, xʸ within ulps times |y ln x|.

// @ts-ignore: decorator
@inline
export function splat(x: f64): v128 {
  return f64x2.splat(x);
}

// ln 2 in two parts: the first has 33 bits, so that its product with an exponent is exact.
const LN2_HIGH: f64 = 0.6931471804855391;
const LN2_LOW: f64 = 7.440617110012397e-11;

/** c + b·a: one step of Horner's rule. */
// @ts-ignore: decorator
@inline
export function step(a: v128, b: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(a, b), splat(c));
}

/** 2ⁱ of the lower two integers, |i| < 1023. */
// @ts-ignore: decorator
@inline
function power(i: v128): v128 {
  return i64x2.shl(i64x2.add(i64x2.extend_low_i32x4_s(i), i64x2.splat(1023)), 52);
}

/** eˣ, or eˣ − 1: x = n ln 2 + r with |r| ≤ ½ ln 2, and a series for eʳ − 1; 2ⁿ in two factors, as one may overflow. */
function exponential(x: v128, minusOne: bool): v128 {
  x = f64x2.max(f64x2.min(x, splat(710)), splat(-746));
  const n = f64x2.nearest(f64x2.mul(x, splat(1.4426950408889634)));
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, splat(LN2_HIGH))), f64x2.mul(n, splat(LN2_LOW)));
  let p = splat(1.6059043836821613e-10);
  p = step(p, r, 2.08767569878681e-9);
  p = step(p, r, 2.505210838544172e-8);
  p = step(p, r, 2.755731922398589e-7);
  p = step(p, r, 2.7557319223985893e-6);
  p = step(p, r, 2.48015873015873e-5);
  p = step(p, r, 1.984126984126984e-4);
  p = step(p, r, 1.388888888888889e-3);
  p = step(p, r, 8.333333333333333e-3);
  p = step(p, r, 4.1666666666666664e-2);
  p = step(p, r, 0.16666666666666666);
  p = step(p, r, 0.5);
  p = f64x2.add(f64x2.mul(f64x2.mul(r, r), p), r);
  const whole = i32x4.trunc_sat_f64x2_s_zero(n);
  const first = i32x4.shr_s(whole, 1);
  const second = i32x4.sub(whole, first);
  const scale = power(first);
  const rest = minusOne ? f64x2.sub(scale, power(i32x4.neg(second))) : scale;
  return f64x2.mul(f64x2.add(f64x2.mul(scale, p), rest), power(second));
}

export function exp(x: v128): v128 {
  return exponential(x, false);
}

export function expm1(x: v128): v128 {
  // Where x is tiny, or −0, it is its own result.
  return v128.bitselect(x, exponential(x, true), f64x2.lt(f64x2.abs(x), splat(1e-300)));
}

/** ln x: x = 2ᵉ·(1 + f) with 1 + f in [√½, √2), and the series of the inverse hyperbolic tangent in s = f/(2 + f). */
export function log(x: v128): v128 {
  const tiny = f64x2.lt(x, splat(2.2250738585072014e-308));
  const normal = v128.bitselect(f64x2.mul(x, splat(18014398509481984)), x, tiny);
  const k = i64x2.shr_s(i64x2.sub(normal, i64x2.splat(0x3fe6a09e667f3bcd)), 52);
  const exponent = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(k, k, 0, 2, 0, 2));
  const e = f64x2.sub(exponent, v128.and(splat(54), tiny));
  const f = f64x2.sub(i64x2.sub(normal, i64x2.shl(k, 52)), splat(1));
  const s = f64x2.div(f, f64x2.add(f, splat(2)));
  const z = f64x2.mul(s, s);
  let p = splat(0.09523809523809523);
  p = step(p, z, 0.10526315789473684);
  p = step(p, z, 0.11764705882352941);
  p = step(p, z, 0.13333333333333333);
  p = step(p, z, 0.15384615384615385);
  p = step(p, z, 0.18181818181818182);
  p = step(p, z, 0.2222222222222222);
  p = step(p, z, 0.2857142857142857);
  p = step(p, z, 0.4);
  p = step(p, z, 0.6666666666666666);
  const half = f64x2.mul(splat(0.5), f64x2.mul(f, f));
  // ln(1 + f) = f − (f²/2 − s·(f²/2 + z·p))
  const tail = f64x2.add(f64x2.mul(s, f64x2.add(half, f64x2.mul(z, p))), f64x2.mul(e, splat(LN2_LOW)));
  const result = f64x2.sub(f64x2.mul(e, splat(LN2_HIGH)), f64x2.sub(f64x2.sub(half, tail), f));
  const positive = f64x2.gt(x, splat(0));
  // ∞ stays, 0 becomes −∞, what is below or NaN becomes NaN.
  const edge = v128.bitselect(splat(-Infinity), splat(NaN), f64x2.eq(x, splat(0)));
  return v128.bitselect(v128.bitselect(result, x, f64x2.lt(x, splat(Infinity))), edge, positive);
}

/** xʸ as JavaScript has it: 1 where y is 0, else NaN where y or, below 0, a root asks for it. */
export function pow(x: v128, y: v128): v128 {
  const size = exponential(f64x2.mul(y, log(f64x2.abs(x))), false);
  const half = f64x2.mul(splat(0.5), y);
  const whole = f64x2.eq(f64x2.floor(y), y);
  const odd = v128.andnot(whole, f64x2.eq(f64x2.floor(half), half));
  const signed = v128.or(size, v128.and(odd, v128.and(x, splat(-0.0))));
  const root = v128.andnot(v128.and(f64x2.lt(x, splat(0)), f64x2.gt(x, splat(-Infinity))), whole);
  return v128.bitselect(splat(1), v128.or(signed, root), f64x2.eq(y, splat(0)));
}
