import { found } from '../plan/found.ts';

interface LibraryFunction {
  readonly text: string;
  readonly needs?: readonly string[];
}

/**
 * Functions in WGSL. WGSL promises few digits for its own (sin, cos, log near 1) and lets a compiler assume that nothing is NaN, so
 * tests look at bits and functions are polynomials (Cephes, S. Moshier) with their special values written out.
 */
const library: Readonly<Record<string, LibraryFunction>> = {
  fromBits: { text: 'fn fromBits(b: u32) -> f32 { return bitcast<f32>(b); }' },
  finite: { text: 'fn finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }' },
  nonzero: { text: 'fn nonzero(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) != 0u; }' },
  isNan: { text: 'fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }' },
  binade: {
    // The exponent of a positive number from its bits, biased, where 2 to it and to its opposite are ordinary numbers.
    text: 'fn binade(bits: u32) -> u32 { return clamp(bits >> 23u, 1u, 253u); }',
  },
  packed: { text: 'fn packed(x: vec4<f32>) -> vec2<u32> { return vec2<u32>(pack2x16float(x.xy), pack2x16float(x.zw)); }' },
  unpacked: { text: 'fn unpacked(x: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(x.x), unpack2x16float(x.y)); }' },
  nearest: {
    text: `fn nearest(x: f32, n: u32) -> u32 {
  if (isNan(x)) { return 0u; }
  return u32(clamp(x, 0f, f32(n - 1u)));
}`,
    needs: ['isNan'],
  },
  signf: { text: 'fn signf(x: f32) -> f32 { return select(sign(x), x, isNan(x)); }', needs: ['isNan'] },
  copySignf: {
    text: `fn copySignf(x: f32, y: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(y) & 0x80000000u));
}`,
  },
  scaled: {
    // 2ⁿ is outside of f32 where y·2ⁿ need not be.
    text: `fn scaled(y: f32, n: i32) -> f32 {
  let half = n / 2;
  return y * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(n - half + 127) << 23u);
}`,
  },
  expPolynomial: {
    text: `fn expPolynomial(r: f32) -> f32 {
  var p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * r * r + r + 1f;
}`,
  },
  expf: {
    text: `fn expf(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  if (x > 88.8f) { return fromBits(0x7f800000u); }
  if (x < -104f) { return 0f; }
  let n = round(x * 1.44269504088896341f);
  return scaled(expPolynomial((x - n * 0.693359375f) + n * 2.12194440e-4f), i32(n));
}`,
    needs: ['isNan', 'fromBits', 'scaled', 'expPolynomial'],
  },
  expm1f: {
    text: `fn expm1f(x: f32) -> f32 {
  if (!(abs(x) < 0.5f)) { return expf(x) - 1f; }
  var p = 2.7557319e-6f;
  p = p * x + 2.4801587e-5f;
  p = p * x + 1.9841270e-4f;
  p = p * x + 1.3888889e-3f;
  p = p * x + 8.3333333e-3f;
  p = p * x + 4.1666667e-2f;
  p = p * x + 1.6666667e-1f;
  p = p * x + 0.5f;
  return p * x * x + x;
}`,
    needs: ['expf'],
  },
  logPolynomial: {
    // log(1 + m) − m for m in [√½ − 1, √2 − 1]
    text: `fn logPolynomial(m: f32) -> f32 {
  let z = m * m;
  var p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  return p * m * z - 0.5f * z;
}`,
  },
  exponent: {
    // x = 2^e·(1 + m), as (e, m)
    text: `fn exponent(x: f32) -> vec2<f32> {
  let b = bitcast<u32>(x);
  let e = i32(b >> 23u) - 127;
  let m = bitcast<f32>((b & 0x007fffffu) | 0x3f800000u);
  if (m > 1.41421356f) { return vec2<f32>(f32(e + 1), 0.5f * m - 1f); }
  return vec2<f32>(f32(e), m - 1f);
}`,
  },
  logf: {
    text: `fn logf(x: f32) -> f32 {
  if (isNan(x) || !nonzero(x)) { return select(x, fromBits(0xff800000u), !isNan(x)); }
  if (bitcast<u32>(x) >= 0x7f800000u) { return select(fromBits(0x7fc00000u), x, bitcast<u32>(x) == 0x7f800000u); }
  let s = exponent(x);
  return s.x * 0.693359375f + (s.y + (logPolynomial(s.y) - s.x * 2.12194440e-4f));
}`,
    needs: ['isNan', 'nonzero', 'fromBits', 'exponent', 'logPolynomial'],
  },
  sinPolynomial: {
    text: `fn sinPolynomial(r: f32) -> f32 {
  let z = r * r;
  return ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
}`,
  },
  cosPolynomial: {
    text: `fn cosPolynomial(r: f32) -> f32 {
  let z = r * r;
  return ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1f;
}`,
  },
  turned: {
    // The sine after q quarter turns and r.
    text: `fn turned(q: u32, r: f32) -> f32 {
  let y = select(sinPolynomial(r), cosPolynomial(r), (q & 1u) == 1u);
  return select(y, -y, (q & 2u) == 2u);
}`,
    needs: ['sinPolynomial', 'cosPolynomial'],
  },
  quarterTurns: {
    text: `fn quarterTurns(x: f32, q: f32) -> f32 {
  return ((x - q * 1.5703125f) - q * 4.837512969970703125e-4f) - q * 7.54978995489188216e-8f;
}`,
  },
  sinf: {
    text: `fn sinf(x: f32) -> f32 {
  if (!finite(x)) { return fromBits(0x7fc00000u); }
  let q = round(x * 0.636619772367581343f);
  return turned(u32(i32(q)), quarterTurns(x, q));
}`,
    needs: ['finite', 'fromBits', 'quarterTurns', 'turned'],
  },
  cosf: {
    text: `fn cosf(x: f32) -> f32 {
  if (!finite(x)) { return fromBits(0x7fc00000u); }
  let q = round(x * 0.636619772367581343f);
  return turned(u32(i32(q)) + 1u, quarterTurns(x, q));
}`,
    needs: ['finite', 'fromBits', 'quarterTurns', 'turned'],
  },
  powf: {
    // 2^(y·log₂|x|), the exponent kept in two parts; the sign by itself.
    text: `fn powf(x: f32, y: f32) -> f32 {
  if (!nonzero(y)) { return 1f; }
  if (isNan(x) || isNan(y)) { return fromBits(0x7fc00000u); }
  let a = abs(x);
  if (!finite(y)) {
    if (a == 1f) { return fromBits(0x7fc00000u); }
    return select(0f, fromBits(0x7f800000u), (a > 1f) == (y > 0f));
  }
  let whole = trunc(y) == y;
  let odd = whole && abs(y) < 16777216f && (i32(y) & 1) == 1;
  let signed = odd && (bitcast<u32>(x) >> 31u) == 1u;
  var result = 0f;
  if (!nonzero(a) || !finite(a)) {
    result = select(0f, fromBits(0x7f800000u), nonzero(a) == (y > 0f));
  } else {
    if (x < 0f && !whole) { return fromBits(0x7fc00000u); }
    let s = exponent(a);
    let high = bitcast<f32>(bitcast<u32>(y) & 0xfffff000u);
    let n = round(high * s.x);
    let f = (high * s.x - n) + (y - high) * s.x + y * ((s.y + logPolynomial(s.y)) * 1.44269504088896341f);
    let m = round(f);
    let e = n + m;
    if (!(abs(e) < 250f)) { result = select(0f, fromBits(0x7f800000u), e > 0f); }
    else { result = scaled(expPolynomial((f - m) * 0.693147180559945309f), i32(e)); }
  }
  return select(result, -result, signed);
}`,
    needs: ['nonzero', 'isNan', 'finite', 'fromBits', 'exponent', 'logPolynomial', 'expPolynomial', 'scaled'],
  },
  multiplyHigh: {
    text: `fn multiplyHigh(x: u32, y: u32) -> u32 {
  let low = (x & 0xffffu) * (y & 0xffffu);
  let middle = (x >> 16u) * (y & 0xffffu) + (low >> 16u);
  let other = (x & 0xffffu) * (y >> 16u) + (middle & 0xffffu);
  return (x >> 16u) * (y >> 16u) + (middle >> 16u) + (other >> 16u);
}`,
  },
  philox: {
    // Philox 4×32-10 (Salmon et al. 2011), the first two words.
    text: `fn philox(position: u32, call: u32, seed: u32, stream: u32) -> vec2<u32> {
  var c = vec4<u32>(position, 0u, call, 0u);
  var k = vec2<u32>(seed, stream);
  for (var round = 0; round < 10; round++) {
    let first = vec2<u32>(multiplyHigh(0xd2511f53u, c.x), 0xd2511f53u * c.x);
    let second = vec2<u32>(multiplyHigh(0xcd9e8d57u, c.z), 0xcd9e8d57u * c.z);
    c = vec4<u32>(second.x ^ c.y ^ k.x, second.y, first.x ^ c.w ^ k.y, first.y);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c.xy;
}`,
    needs: ['multiplyHigh'],
  },
  drawn: {
    text: `fn drawn(i: u32, seed: u32, stream: u32, call: f32) -> u32 {
  let pair = philox(i >> 1u, u32(call), seed, stream);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}`,
    needs: ['philox'],
  },
  uniformDraw: {
    text: `fn uniformDraw(i: u32, seed: u32, stream: u32, call: f32) -> f32 {
  return (f32(drawn(i, seed, stream, call)) + 0.5f) * 2.3283064365386963e-10f;
}`,
    needs: ['drawn'],
  },
  rademacherDraw: {
    text: `fn rademacherDraw(i: u32, seed: u32, stream: u32, call: f32) -> f32 {
  return select(1f, -1f, drawn(i, seed, stream, call) < 0x80000000u);
}`,
    needs: ['drawn'],
  },
  normalDraw: {
    // Box–Muller. Near 1 the logarithm is taken of what is left to 1, which has all digits.
    text: `fn normalDraw(i: u32, seed: u32, stream: u32, call: f32) -> f32 {
  let pair = philox(i >> 1u, u32(call), seed, stream);
  var l = 0f;
  if (pair.x > 0xc0000000u) {
    let rest = -(f32(~pair.x) + 0.5f) * 2.3283064365386963e-10f;
    l = rest + logPolynomial(rest);
  } else {
    l = logf((f32(pair.x) + 0.5f) * 2.3283064365386963e-10f);
  }
  let quarter = (pair.y + 0x20000000u) >> 30u;
  let r = (f32(i32(pair.y - (quarter << 30u))) + 0.5f) * 1.4629180792671596e-9f;
  return sqrt(-2f * l) * turned(select(quarter + 1u, quarter, (i & 1u) == 1u), r);
}`,
    needs: ['philox', 'logf', 'logPolynomial', 'turned'],
  },
};

/** The text of functions and of what they call, each once, callees first. */
export function libraryText(names: Iterable<string>): string {
  const texts = new Map<string, string>();
  const add = (name: string): void => {
    if (texts.has(name)) return;
    const { text, needs = [] } = found(library[name], `the function '${name}'`);
    for (const need of needs) add(need);
    texts.set(name, text);
  };
  for (const name of names) add(name);
  return [...texts.values()].join('\n');
}
