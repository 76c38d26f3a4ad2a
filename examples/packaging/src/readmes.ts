import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { describe, expect, it } from 'vitest';
import { run } from './pack.ts';
import { readmes } from './readme.ts';
import type { Store } from './store.ts';

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

// Handed down to the processes that blocks run in.
softwareAdapter();

/** Every README's code, run with what its own install lines name and nothing else. */
export function testReadmes(store: () => Store, outside: string): void {
  describe.each(readmes)('$path, in an empty folder', ({ path, installs, imports, blocks }) => {
    it('tells to install exactly what its code imports and what that needs', () => {
      const needed = imports.flatMap((name) => [name, ...store().peersOf(name)]);
      // Optional peers are named where the text says what for.
      const optional = imports.flatMap((name) => store().optionalPeersOf(name)).filter((name) => installs.includes(name));
      expect([...installs].sort()).toEqual([...new Set([...needed, ...optional])].sort());
    });

    it('runs', async () => {
      const folder = join(outside, path.replace(/\W+/g, '-'));
      mkdirSync(folder);
      store().install(folder, installs);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
      for (const [i, block] of blocks.entries()) {
        writeFileSync(join(folder, `block-${i}.ts`), block);
        const { stdout } = await run(process.execPath, ['--import', loader, `block-${i}.ts`], { cwd: folder });
        expect(stdout.trim(), `block ${i} prints something`).not.toBe('');
      }
    });
  });
}
