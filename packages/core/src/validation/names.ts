/** What was probably meant by a name that is not among those known: `; did you mean 'learningRate'?`, or ''. */
export function didYouMean(name: string, known: readonly string[]): string {
  // Long names cost the square of their length, and no option is long.
  if (name.length > 40) return '';
  const most = name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3));
  const distances = known.map((one) => ({ one, distance: distance(plain(name), plain(one)) }));
  const [nearest] = distances.sort((a, b) => a.distance - b.distance);
  return nearest !== undefined && nearest.distance <= most ? `; did you mean '${nearest.one}'?` : '';
}

/** Names for a message: all of them, or the first ones of many. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 20).join(', ');
  return all.length === 0 ? 'none' : all.length > 20 ? `${shown}, … (${all.length} in all)` : shown;
}

/** Without what people mix up: capitals, hyphens and underscores. */
const plain = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, '');

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}
