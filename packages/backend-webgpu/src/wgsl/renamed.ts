import type { Template } from '../plan/template.ts';

/** A text as the `k`-th of several in one shader: what it names by position follows what those before have. */
export function renamed(text: string, k: number, before: Template): string {
  const bases: Readonly<Record<string, number>> = {
    L: before.slots.length,
    S: before.slots.length,
    h: before.hosts.length,
    w: before.words.length,
    W: before.words.length,
  };
  return text
    .replace(/\b([LShwW])(\d+)\b/g, (_, kind: string, n: string) => `${kind}${Number(n) + (bases[kind] ?? 0)}`)
    .replace(/\b(finish|work)\b/g, `$1${k}`);
}

/** Gives a template what another one names. */
export function append(template: Template, other: Template): void {
  for (const slot of other.shared) template.shared.add(template.slots.length + slot);
  template.slots.push(...other.slots);
  template.hosts.push(...other.hosts);
  template.words.push(...other.words);
  for (const name of other.functions) template.functions.add(name);
  for (const name of other.enables) template.enables.add(name);
}
