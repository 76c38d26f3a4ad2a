/** Marks between two values on a logarithmic axis: round steps where they are close, 1–2–5 further apart, decades where they are far. */
export function logarithmicMarks(least: number, most: number): number[] {
  if (most / least < 5) {
    const unit = 10 ** Math.floor(Math.log10((most - least) / 2));
    const step = [1, 2, 5, 10].map((times) => times * unit).find((one) => (most - least) / one <= 6) ?? unit;
    const first = Math.ceil(least / step);
    return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
  }
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const every = Math.ceil((last - first) / 8);
  const within = last - first <= 3 ? [1, 2, 5] : [1];
  const decades = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => 10 ** (first + i * every));
  return decades
    .flatMap((decade) => within.map((times) => Number((times * decade).toPrecision(6))))
    .filter((mark) => mark >= least && mark <= most);
}
