import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root, run } from './pack.ts';
import { readmeOf } from './readme.ts';
import type { Store } from './store.ts';

const path = 'docs/write-an-optimizer.md';
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Files of a text: blocks of code whose first line is the file's name. */
const filesOf = (text: string): readonly (readonly [name: string, content: string])[] =>
  [...text.matchAll(/^```(?:ts|json)\n\/\/ (\S+)\n([\s\S]*?)^```/gm)].map(([, name = '', content = '']) => [name, content]);

/** The package of `docs/write-an-optimizer.md`, as a reader makes it: in a folder of its own, of what the text says to install. */
export function testAuthor(store: () => Store, outside: string): void {
  describe(`${path}, in an empty folder`, () => {
    const text = readFileSync(join(root, path), 'utf8');
    const folder = join(outside, 'author');
    const node = (...args: readonly string[]) => run(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 });
    const bin = (name: string, entry: string): string => join(folder, 'node_modules', name, entry);

    it('installs what its code imports, and nothing it does not use', () => {
      const { installs, imports } = readmeOf(path, text);
      // What is compiled and tested with is called by name; the package itself is what the reader makes.
      expect([...installs].sort()).toEqual(
        [...new Set([...imports.filter((name) => name !== 'adabelief'), 'typescript', 'vitest'])].sort(),
      );
      mkdirSync(folder);
      store().install(folder, installs);
      for (const [name, content] of filesOf(text)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
      expect(filesOf(text).map(([name]) => name)).toContain('src/contract.test.ts');
    });

    it('passes the table on every backend it names', async () => {
      const { stdout } = await node(bin('vitest', 'vitest.mjs'), 'run', 'src', '--reporter=json').catch(
        (error: { stdout: string }) => error,
      );
      const { numPassedTests, numFailedTests, numTotalTests, testResults } = JSON.parse(stdout.slice(stdout.indexOf('{"num')));
      expect(numFailedTests, JSON.stringify(testResults).slice(0, 4000)).toBe(0);
      expect(numPassedTests).toBe(numTotalTests);
      expect(numPassedTests).toBeGreaterThan(100);
    });

    it('compiles, and is a package that others import', async () => {
      const { stdout: errors } = await node(bin('typescript', 'bin/tsc'), '-p', '.').catch((error: { stdout: string }) => error);
      expect(errors).toBe('');
      symlinkSync(folder, join(folder, 'node_modules/adabelief'));
      const { stdout } = await node('--import', loader, 'use.ts');
      expect(stdout).toContain('ada-belief');
      expect(stdout).toContain('step');
    });
  });
}
