import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build as bundle } from 'esbuild';
import { build as vitepress } from 'vitepress';
import { dataFiles } from '../race/data.ts';
import { finish } from './finish.ts';
import { writePages } from './pages.ts';
import { inRepository } from './repository.ts';

/** The whole site as static files in `outDir`, which is emptied; works from any path. */
export async function buildSite(outDir: string): Promise<void> {
  // Beside this package, so that what the theme imports is found.
  const work = mkdtempSync(inRepository('site/.pages-'));
  try {
    await writePages(work);
    copyData(join(work, 'public'));
    await vitepress(work, { outDir });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  await bundleScripts(join(outDir, 'assets'));
  writeFileSync(join(outDir, 'assets/uplot.css'), readFileSync(inRepository('site/node_modules/uplot/dist/uPlot.min.css'), 'utf8'));
  finish(outDir);
}

/** The scripts of the pages: the scheme everywhere, the playground and its worker where they are asked for. */
async function bundleScripts(outdir: string): Promise<void> {
  const entry = (name: string): string => inRepository(`site/src/client/${name}.ts`);
  const shared: BuildOptions = { outdir, bundle: true, minify: true, conditions: ['@opt/source'], target: 'es2022', external: ['webgpu'] };
  await bundle({ ...shared, format: 'iife', entryPoints: [entry('scheme')] });
  await bundle({
    ...shared,
    format: 'esm',
    splitting: true,
    entryPoints: [entry('playground'), entry('worker'), entry('bowl'), entry('valley')],
    chunkNames: 'shared-[hash]',
  });
}

function copyData(outDir: string): void {
  for (const folder of ['data', 'pictures']) mkdirSync(join(outDir, folder), { recursive: true });
  for (const file of dataFiles) cpSync(inRepository(`examples/race/data/${file}`), join(outDir, 'data', file));
  for (const file of ['sweep.json', 'node20-x64.json', 'node20-x64-onnx.json'])
    cpSync(inRepository(`benchmarks/results/${file}`), join(outDir, 'data', file));
  cpSync(inRepository('benchmarks/results/pictures'), join(outDir, 'pictures'), { recursive: true });
}
