/** Columns as wide as their widest cell; the first and the last are flush left, all others flush right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, j) => Math.max(...rows.map((row) => row[j]?.length ?? 0)));
  return rows
    .map((row) =>
      widths
        .map((width, j) => (j === 0 || j === columns - 1 ? (row[j] ?? '').padEnd(width) : (row[j] ?? '').padStart(width)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
