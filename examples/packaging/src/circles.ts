import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Files that import each other in a circle, whether values or types, as groups; of all `.ts` files under a folder but its installed ones. */
export function circles(folder: string): readonly (readonly string[])[] {
  const imports = new Map(sources(folder).map((file) => [file, importsOf(file)]));
  const reached = new Map([...imports.keys()].map((file) => [file, reachedFrom(file, imports)]));
  const grouped = new Set<string>();
  return [...reached].flatMap(([file, ahead]) => {
    if (!ahead.has(file) || grouped.has(file)) return [];
    const group = [...ahead].filter((other) => reached.get(other)?.has(file)).sort();
    for (const member of group) grouped.add(member);
    return [group];
  });
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : sources(path);
    return /\.ts$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

/** What a file imports or exports from beside it; `import()` is when somebody asks, and no circle. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export|\})[^;'"]*?'(\.[^']*\.ts)'/gm)].map(([, path = '']) => resolve(file, '..', path));
}

function reachedFrom(start: string, imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = [...(imports.get(start) ?? [])];
  for (let file = visit.pop(); file !== undefined; file = visit.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    visit.push(...(imports.get(file) ?? []));
  }
  return reached;
}
