/** The rectangle that holds every path, with room around it. */
export function extentOf(paths: readonly (readonly (readonly [number, number])[])[]): {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
} {
  const range = (axis: 0 | 1): readonly [number, number] => {
    const values = paths.flat().map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.15 * Math.max(high - low, 1e-6);
    return [low - room, high + room];
  };
  return { x: range(0), y: range(1) };
}
