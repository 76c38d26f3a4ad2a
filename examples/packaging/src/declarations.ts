import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { here, packages, root, run } from './pack.ts';
import { readmes } from './readme.ts';
import type { Store } from './store.ts';

/** The oldest that takes our types and infers what they say, as the README has it; the last 5; ours. */
const compilers = {
  '5.5': join(here, 'node_modules/typescript-5.5/bin/tsc'),
  '5.9': join(here, 'node_modules/typescript-5.9/bin/tsc'),
  '7': join(root, 'node_modules/typescript/bin/tsc'),
} as const;

/** Before TypeScript 6, the DOM has no WebGPU. */
const gpuTypes = (version: string): readonly string[] => (Number(version) < 6 ? ['@webgpu/types'] : []);

/** What a user's compiler says of our declarations, read and not skipped. */
export function testDeclarations(store: () => Store, outside: string): void {
  describe.each(Object.entries(compilers))('declarations under TypeScript %s, skipLibCheck off', (version, compiler) => {
    const compile = async (name: string, installs: readonly string[], files: readonly string[], types: readonly string[]) => {
      const folder = join(outside, `types-${version}-${name}`);
      mkdirSync(folder);
      store().install(folder, [...new Set([...installs, ...types])]);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
      for (const [i, text] of files.entries()) writeFileSync(join(folder, `file-${i}.ts`), text);
      const compilerOptions = {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        target: 'ES2022',
        lib: ['ES2022'],
        module: 'NodeNext',
        types,
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
      const said: { stdout: string } = await run(process.execPath, [compiler, '-p', folder], { cwd: folder, maxBuffer: 2 ** 26 }).catch(
        (error: { stdout: string }) => error,
      );
      return said.stdout.split('\n').filter((line) => line.includes('error TS'));
    };

    it('what needs no engine compiles, and with nothing but the language', async () => {
      const alone = packages.map((name) => `@opt/${name}`).filter((name) => store().peersOf(name).length === 0);
      expect(alone).toContain('@opt/backend-webgpu');
      const all = alone.map((name, i) => `export * as package${i} from '${name}';`).join('\n');
      expect(await compile('alone', alone, [all], [])).toEqual([]);
    });

    // Code for Node needs the types of Node, which nobody has to install for ours.
    it('what needs one has no error of its own, and neither has the code of the READMEs', async () => {
      const installs = [...packages.map((name) => `@opt/${name}`), ...readmes.flatMap((readme) => readme.installs)];
      const all = packages.map((name, i) => `export * as package${i} from '@opt/${name}';`).join('\n');
      const errors = await compile(
        'engines',
        installs,
        [all, ...readmes.flatMap(({ blocks }) => blocks).filter((code) => !code.includes("'node:"))],
        gpuTypes(version),
      );
      expect(errors.filter((line) => /^file-|\/@opt\//.test(line))).toEqual([]);
    });
  });
}
