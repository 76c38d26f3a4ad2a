import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packages, root } from './pack.ts';

interface Manifest {
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifests = packages.map((name): Manifest => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The table of engines in the README: by name, what is allowed and what was tested. */
const engines = new Map(
  [...readme.matchAll(/^\| `([^`]+)`[^|]* \| ([^|]+) \| ([\d., ]+) \|$/gm)].map(([, name = '', allowed = '', tested = '']) => [
    name,
    { allowed, tested: tested.split(', ') },
  ]),
);

it('engines are peers by ranges, the same wherever they stand and in the README, which says that the lowest and the installed were tested', () => {
  const stated = manifests.flatMap(({ peerDependencies = {} }) => Object.entries(peerDependencies)).filter(([name]) => engines.has(name));
  expect(new Set(stated.map(([name]) => name))).toEqual(new Set(engines.keys()));
  for (const [name, range] of stated) {
    const { allowed, tested } = engines.get(name) ?? { allowed: '', tested: [] };
    expect(range, name).toBe(allowed);
    expect(range, name).toMatch(/^(\^|>=)/);
    expect(tested[0], name).toBe(/[\d.]+/.exec(range)?.[0]);
    const installed = manifests.flatMap(({ devDependencies = {} }) => devDependencies[name] ?? []);
    expect(new Set(installed), name).toEqual(new Set(tested.slice(-1)));
  }
});

it('no peer is pinned to one version', () => {
  for (const { peerDependencies = {} } of manifests)
    for (const [name, range] of Object.entries(peerDependencies)) expect(range, name).toMatch(/^(\^|>=)/);
});
