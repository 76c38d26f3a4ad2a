// Packing of one panel (W rows of op(A), or W columns of op(B)) into k-major order, zero-padded: target[p·W + r] = source(r, p).

/** The panel's W lines are contiguous in p: source(r, p) = source[r·stride + p]. Lines of the target lie `step` bytes apart. */
export function packAcross(Z: usize, W: i32, rows: i32, k: i32, source: usize, stride: usize, target: usize, step: usize): void {
  if (Z == 4) across<f32>(W, rows, k, source, stride, target, step);
  else across<f64>(W, rows, k, source, stride, target, step);
}

function across<T>(W: i32, rows: i32, k: i32, source: usize, stride: usize, target: usize, step: usize): void {
  let r = 0;
  if (sizeof<T>() == 4) {
    for (; r + 4 <= rows; r += 4) {
      let a0 = source + r * stride;
      let a1 = a0 + stride;
      let a2 = a1 + stride;
      let a3 = a2 + stride;
      let to = target + r * sizeof<T>();
      let p = 0;
      for (; p + 4 <= k; p += 4) {
        const v0 = v128.load(a0);
        const v1 = v128.load(a1);
        const v2 = v128.load(a2);
        const v3 = v128.load(a3);
        const l01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
        const h01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
        const l23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
        const h23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<f64>(l01, l23, 0, 2));
        v128.store(to + step, v128.shuffle<f64>(l01, l23, 1, 3));
        v128.store(to + 2 * step, v128.shuffle<f64>(h01, h23, 0, 2));
        v128.store(to + 3 * step, v128.shuffle<f64>(h01, h23, 1, 3));
        a0 += 16;
        a1 += 16;
        a2 += 16;
        a3 += 16;
        to += 4 * step;
      }
      for (; p < k; p++) {
        store<f32>(to, load<f32>(a0));
        store<f32>(to, load<f32>(a1), 4);
        store<f32>(to, load<f32>(a2), 8);
        store<f32>(to, load<f32>(a3), 12);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        to += step;
      }
    }
  } else {
    for (; r + 2 <= rows; r += 2) {
      let a0 = source + r * stride;
      let a1 = a0 + stride;
      let to = target + r * sizeof<T>();
      let p = 0;
      for (; p + 2 <= k; p += 2) {
        const v0 = v128.load(a0);
        const v1 = v128.load(a1);
        v128.store(to, v128.shuffle<f64>(v0, v1, 0, 2));
        v128.store(to + step, v128.shuffle<f64>(v0, v1, 1, 3));
        a0 += 16;
        a1 += 16;
        to += 2 * step;
      }
      if (p < k) {
        store<f64>(to, load<f64>(a0));
        store<f64>(to, load<f64>(a1), 8);
      }
    }
  }
  for (; r < W; r++) {
    let to = target + r * sizeof<T>();
    let from = source + r * stride;
    for (let p = 0; p < k; p++) {
      store<T>(to, r < rows ? load<T>(from) : <T>0);
      from += sizeof<T>();
      to += step;
    }
  }
}

/** The panel's lines lie side by side: source(r, p) = source[p·stride + r]. Nothing is computed, so that words do for either type. */
export function packAlong(Z: usize, W: i32, rows: i32, k: i32, source: usize, stride: usize, target: usize): void {
  const step = <usize>W * Z;
  const wide = <usize>rows * Z;
  for (; k > 0; k--) {
    if (rows == W) {
      for (let at: usize = 0; at < step; at += 16) v128.store(target + at, v128.load(source + at));
    } else {
      let at: usize = 0;
      for (; at < wide; at += 4) store<i32>(target + at, load<i32>(source + at));
      for (; at < step; at += 4) store<i32>(target + at, 0);
    }
    source += stride;
    target += step;
  }
}
