// The ascending order of lines, stable.
import { get } from './element';

/** Writes the order of the n entries, of size Z, of each line to `out` as f64. `scratch`: 8n bytes. */
export function argsort(Z: usize, lines: i32, n: i32, from: usize, out: usize, scratch: usize): void {
  for (; lines > 0; lines--) {
    sort(Z, n, from, out, scratch);
    from += <usize>n * Z;
    out += <usize>n << 3;
  }
}

/** Merges runs of doubling length. */
function sort(Z: usize, n: i32, line: usize, out: usize, scratch: usize): void {
  let from = scratch;
  let to = scratch + (<usize>n << 2);
  for (let i = 0; i < n; i++) store<i32>(from + (<usize>i << 2), i);
  for (let width = 1; width < n; width <<= 1) {
    for (let low = 0; low < n; low += width << 1) {
      const middle = min(low + width, n);
      const high = min(middle + width, n);
      let i = low;
      let j = middle;
      for (let k = low; k < high; k++) {
        // The right one is taken where the left run is empty, or where it is there and smaller.
        let right = i >= middle;
        if (!right && j < high) right = entry(Z, line, from, j) < entry(Z, line, from, i);
        store<i32>(to + (<usize>k << 2), load<i32>(from + (<usize>(right ? j++ : i++) << 2)));
      }
    }
    const swap = from;
    from = to;
    to = swap;
  }
  for (let i = 0; i < n; i++) store<f64>(out + (<usize>i << 3), load<i32>(from + (<usize>i << 2)));
}

function entry(Z: usize, line: usize, order: usize, i: i32): f64 {
  return get(Z, line + <usize>load<i32>(order + (<usize>i << 2)) * Z);
}
