import { mkdirSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as esbuild } from 'esbuild';
import { rollup } from 'rollup';
import { build as vite } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { packages } from './pack.ts';
import type { Store } from './store.ts';

/** What runs in Node only, or only in tests. */
const notForPages = ['backend-onnx', 'backend-contract'];

/** A consumer's bundler warns of nothing. Engines are left outside: what they are warned of is theirs. */
export function testBundles(store: () => Store, outside: string): void {
  const folder = join(outside, 'bundled');
  const names = packages.map((name) => `@opt/${name}`);
  let engines: readonly string[] = [];
  const isEngine = (id: string): boolean =>
    engines.some((engine) => id === engine || id.startsWith(`${engine}/`)) || id.startsWith('node:') || builtinModules.includes(id);

  beforeAll(() => {
    mkdirSync(folder);
    engines = [...new Set(names.flatMap((name) => [...store().peersOf(name), ...store().optionalPeersOf(name), 'fast-check']))];
    store().install(folder, [...names, ...new Set(names.flatMap((name) => store().peersOf(name)))]);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const importing = (all: readonly string[]) => all.map((name, i) => `export * as package${i} from '@opt/${name}';`).join('\n');
    writeFileSync(join(folder, 'node.js'), importing(packages));
    writeFileSync(join(folder, 'page.js'), importing(packages.filter((name) => !notForPages.includes(name))));
    writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="./page.js"></script>');
  });

  describe('every package, bundled from the tarballs', () => {
    it('by Rollup: no warning', async () => {
      const warnings: string[] = [];
      const bundle = await rollup({
        input: join(folder, 'node.js'),
        external: isEngine,
        plugins: [nodeResolve()],
        onwarn: ({ message }) => void warnings.push(message),
      });
      const { output } = await bundle.generate({ format: 'es', inlineDynamicImports: true });
      await bundle.close();
      expect(warnings).toEqual([]);
      expect(output[0].code).toContain('createOptimizer');
    });

    it('by esbuild: no warning', async () => {
      const { warnings, outputFiles } = await esbuild({
        entryPoints: [join(folder, 'page.js')],
        absWorkingDir: folder,
        bundle: true,
        format: 'esm',
        write: false,
        external: [...engines],
        logLevel: 'silent',
      });
      expect(warnings).toEqual([]);
      expect(outputFiles[0]?.text).toContain('createOptimizer');
    });

    it('by Vite: no warning', async () => {
      const warnings: string[] = [];
      const warn = (message: string): void => void warnings.push(message);
      await vite({
        root: folder,
        configFile: false,
        customLogger: {
          info() {},
          warn,
          warnOnce: warn,
          error: warn,
          clearScreen() {},
          hasErrorLogged: () => false,
          hasWarned: false,
        },
        build: {
          outDir: join(outside, 'bundled-by-vite'),
          emptyOutDir: true,
          chunkSizeWarningLimit: 4096,
          rollupOptions: { external: isEngine },
        },
      });
      expect(warnings).toEqual([]);
    });
  });
}
