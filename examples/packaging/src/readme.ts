import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root } from './pack.ts';

/** What a README tells its reader to install and to run. */
export interface Readme {
  readonly path: string;
  /** Of all its lines `npm install …`. */
  readonly installs: readonly string[];
  readonly blocks: readonly string[];
  /** Packages that its code imports; without those of a file of the reader's. */
  readonly imports: readonly string[];
}

/** That every package has one is another test's. */
export const readmes: readonly Readme[] = ['README.md', ...packages.map((name) => `packages/${name}/README.md`)]
  .filter((path) => existsSync(join(root, path)))
  .map((path) => readmeOf(path, readFileSync(join(root, path), 'utf8')));

export function readmeOf(path: string, text: string): Readme {
  const installs = [...text.matchAll(/^npm install ([^#\n]*)/gm)].flatMap(([, line = '']) =>
    line.split(/\s+/).filter((word) => word !== '' && !word.startsWith('-')),
  );
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
  const all = [...text.matchAll(/^import [^;']*'([^'.][^']*)'/gm)].map(([, specifier = '']) => specifier);
  // Modules of Node itself are installed with it.
  const specifiers = all.filter((specifier) => !specifier.startsWith('node:')).map(packageOf);
  return { path, installs: [...new Set(installs)], blocks, imports: [...new Set(specifiers)] };
}

/** `@opt/backend-contract/vitest` belongs to `@opt/backend-contract`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
