import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build as bundle, type Plugin } from 'esbuild';
import { build as vitepress } from 'vitepress';
import { dataFiles } from '../race/data.ts';
import { finish } from './finish.ts';
import { writePages } from './pages.ts';
import { inRepository } from './repository.ts';

/** The whole site as static files in `outDir`, which is emptied; works from any path. */
export async function buildSite(outDir: string): Promise<void> {
  rmSync(outDir, { recursive: true, force: true });
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

/** What pages load, each where it is asked for; code that several share is loaded once. */
const scripts = ['playground', 'worker', 'bowl', 'valley', 'lens', 'lens-worker', 'memory', 'sphere', 'toys-worker'];

async function bundleScripts(outdir: string): Promise<void> {
  const entry = (name: string): string => inRepository(`site/src/client/${name}.ts`);
  const shared: BuildOptions = { outdir, bundle: true, minify: true, conditions: ['@opt/source'], target: 'es2022', external: ['webgpu'] };
  await bundle({ ...shared, format: 'iife', entryPoints: [entry('scheme')] });
  await bundle({ ...shared, format: 'esm', entryPoints: [entry('opt-race')] });
  await bundle({
    ...shared,
    format: 'esm',
    splitting: true,
    entryPoints: scripts.map(entry),
    chunkNames: 'shared-[hash]',
    plugins: [fetched],
  });
}

/** In a browser the signals of MNIST-1D are what was fetched. */
const fetched: Plugin = {
  name: 'fetched',
  setup(build) {
    build.onResolve({ filter: /race\/src\/mnist1d\.ts$/ }, () => ({ path: inRepository('site/src/client/mnist1d.ts') }));
  },
};

function copyData(outDir: string): void {
  for (const folder of ['data', 'pictures']) mkdirSync(join(outDir, folder), { recursive: true });
  for (const file of dataFiles) cpSync(inRepository(`examples/race/data/${file}`), join(outDir, 'data', file));
  for (const file of ['sweep.json', 'node20-x64.json', 'node20-x64-onnx.json'])
    cpSync(inRepository(`benchmarks/results/${file}`), join(outDir, 'data', file));
  cpSync(inRepository('benchmarks/results/pictures'), join(outDir, 'pictures'), { recursive: true });
}
