import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { holds, type Judged } from '../target.ts';

/** Bytes of a bundle, minified and gzipped; or why there is none. */
export interface Size {
  readonly name: string;
  readonly bytes: number | null;
  readonly failed?: string;
  readonly target?: Judged;
}

interface Bundle {
  readonly name: string;
  /** The module that is bundled. */
  readonly source: string;
  readonly external: readonly string[];
  readonly atMost?: number;
}

const bundles: readonly Bundle[] = [
  {
    name: 'linear algebra and compiler: @opt/backend-wasm without @opt/core',
    source: `export { wasm } from '@opt/backend-wasm';`,
    external: ['@opt/core'],
    atMost: 30_000,
  },
  { name: 'of that, @opt/linalg', source: `export * from '@opt/linalg';`, external: [] },
  { name: '@opt/core', source: `export * from '@opt/core';`, external: [] },
  {
    name: 'an application: createOptimizer, adamw, wasm',
    source: `export { createOptimizer } from '@opt/core'; export { adamw } from '@opt/transforms'; export { wasm } from '@opt/backend-wasm';`,
    external: [],
  },
  {
    name: 'the same without linear algebra: wasm of @opt/backend-wasm/elementwise',
    source: `export { createOptimizer } from '@opt/core'; export { adamw } from '@opt/transforms'; export { wasm } from '@opt/backend-wasm/elementwise';`,
    external: [],
    atMost: 25_000,
  },
  {
    name: 'an application: createOptimizer, soap, wasm',
    source: `export { createOptimizer } from '@opt/core'; export { soap } from '@opt/soap'; export { wasm } from '@opt/backend-wasm';`,
    external: [],
  },
];

export async function sizes(): Promise<readonly Size[]> {
  const bundled = await Promise.all(bundles.map(bundleSize));
  return [...bundled.slice(0, 2), await binarySize(), ...bundled.slice(2)];
}

async function bundleSize({ name, source, external, atMost }: Bundle): Promise<Size> {
  try {
    const { outputFiles, metafile } = await build({
      stdin: { contents: source, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'neutral',
      external: [...external],
      splitting: true,
      outdir: '/out',
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    const first = loadedAtFirst(metafile.outputs);
    const bytes = outputFiles.filter(({ path }) => first.has(basename(path))).reduce((sum, { contents }) => sum + zipped(contents), 0);
    if (atMost === undefined) return { name, bytes };
    const says = `≤ ${atMost / 1000} kB`;
    return { name, bytes, target: { row: name, says, value: bytes, verdict: holds(bytes, 'at most', atMost) ? 'met' : 'missed' } };
  } catch (error) {
    return { name, bytes: null, failed: error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error) };
  }
}

/** Files that a page loads before anything runs: what is imported by a call comes when it is needed. */
function loadedAtFirst(outputs: Metafile['outputs']): ReadonlySet<string> {
  const first = new Set<string>();
  const visit = (file: string): void => {
    if (first.has(basename(file))) return;
    first.add(basename(file));
    for (const { path, kind } of outputs[file]?.imports ?? []) if (kind === 'import-statement' && path in outputs) visit(path);
  };
  for (const [file, { entryPoint }] of Object.entries(outputs)) if (entryPoint === '<stdin>') visit(file);
  return first;
}

/** The kernels as they are embedded. */
async function binarySize(): Promise<Size> {
  const name = 'of that, its binary';
  try {
    const entry = import.meta.resolve('@opt/linalg');
    const extension = entry.endsWith('.ts') ? 'ts' : 'js';
    return { name, bytes: zipped(await readFile(fileURLToPath(new URL(`generated/kernels.${extension}`, entry)))) };
  } catch (error) {
    return { name, bytes: null, failed: error instanceof Error ? error.message : String(error) };
  }
}

const zipped = (contents: Uint8Array): number => gzipSync(contents, { level: 9 }).length;
