// The ascending order of lines, stable.

/** Writes the order of the n entries of each line to `out` as f64. `scratch`: 8n bytes. */
export function argsort(lines: i32, n: i32, from: usize, out: usize, scratch: usize, single: bool): void {
  for (; lines > 0; lines--) {
    sort(n, from, out, scratch, single);
    from += <usize>n << (single ? 2 : 3);
    out += <usize>n << 3;
  }
}

/** Merges runs of doubling length. */
function sort(n: i32, line: usize, out: usize, scratch: usize, single: bool): void {
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
        if (!right && j < high) right = entry(line, from, j, single) < entry(line, from, i, single);
        store<i32>(to + (<usize>k << 2), load<i32>(from + (<usize>(right ? j++ : i++) << 2)));
      }
    }
    const swap = from;
    from = to;
    to = swap;
  }
  for (let i = 0; i < n; i++) store<f64>(out + (<usize>i << 3), load<i32>(from + (<usize>i << 2)));
}

function entry(line: usize, order: usize, i: i32, single: bool): f64 {
  const at = load<i32>(order + (<usize>i << 2));
  return single ? load<f32>(line + (<usize>at << 2)) : load<f64>(line + (<usize>at << 3));
}
