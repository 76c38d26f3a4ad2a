import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testAuthor } from './author.ts';
import { testBundles } from './bundles.ts';
import { testDeclarations } from './declarations.ts';
import { here, packAll, packages, pnpm, root, run } from './pack.ts';
import { testReadmes } from './readmes.ts';
import { Store } from './store.ts';

const outside = mkdtempSync(join(tmpdir(), 'opt-packaging-'));
const bin = (name: string): string => join(here, 'node_modules/.bin', name);
let tarballs: ReadonlyMap<string, string> = new Map();
let store: Store | undefined;

function tarball(name: string): string {
  const found = tarballs.get(name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
}

const installed = (): Store => {
  store ??= new Store(join(outside, 'store'), tarballs);
  return store;
};

beforeAll(async () => {
  tarballs = await packAll(outside);
}, 300_000);
afterAll(() => rmSync(outside, { recursive: true, force: true }));

describe.each(packages)('@opt/%s as it would be published', (name) => {
  it('satisfies publint', async () => {
    const { stdout } = await run(bin('publint'), ['run', '--strict', tarball(`@opt/${name}`)]);
    expect(stdout).toContain('All good');
  });

  it('has types that resolve', async () => {
    const { stdout } = await run(bin('attw'), ['--profile', 'esm-only', '--format', 'json', tarball(`@opt/${name}`)]);
    expect(JSON.parse(stdout)).toMatchObject({ problems: {} });
  });

  it('holds no notes of the compiler', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball(`@opt/${name}`)]);
    expect(stdout).toMatch(/package\/dist\/\w+\.js/);
    expect(stdout).not.toContain('tsbuildinfo');
  });

  it('says what it is', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      name: `@opt/${name}`,
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
    });
    expect(readdirSync(join(root, 'packages', name))).toEqual(expect.arrayContaining(['README.md', 'LICENSE']));
  });
});

const training = `
import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import { BACKEND } from '@opt/BACKEND-PACKAGE';

// Find W with W = T, from the gradient of ½‖W − T‖².
const target = Array.from({ length: 12 }, (_, i) => Math.sin(i));
const optimizer = createOptimizer({ transform: soap({ learningRate: 0.1 }), parameters: { w: { shape: [4, 3], data: new Float32Array(12) } }, backend: BACKEND() });
const distance = () => Math.hypot(...target.map((t, i) => optimizer.parameters.w[i] - t));
const before = distance();
for (let step = 0; step < 100; step++) optimizer.step({ w: Float32Array.from(target, (t, i) => optimizer.parameters.w[i] - t) });
console.log(JSON.stringify({ before, after: distance() }));
`;

const onThreads = `
import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import { wasm } from '@opt/backend-wasm';

const data = Float32Array.from({ length: 120 * 100 }, (_, i) => Math.sin(i));
const train = (backend) => {
  const optimizer = createOptimizer({ transform: soap(), parameters: { w: { shape: [120, 100], data } }, backend });
  for (let step = 0; step < 12; step++) optimizer.step({ w: data.map((x, i) => Math.fround(x * Math.cos(i * step))) });
  return optimizer.parameters.w;
};
const two = await wasm({ threads: 2 });
const [alone, together] = [train(wasm()), train(two)];
console.log(JSON.stringify({ threads: two.threads, shared: two.sharedRuns > 0, same: alone.every((x, i) => x === together[i]) }));
`;

describe.each([
  ['backend-reference', 'reference', []],
  ['backend-wasm', 'wasm', ['@opt/linalg']],
] as const)('soap and %s from the tarballs, in an empty folder', (backend, factory, more) => {
  const folder = join(outside, backend);

  it('install alone and train', async () => {
    mkdirSync(folder);
    const dependencies = Object.fromEntries(['@opt/core', '@opt/soap', `@opt/${backend}`].map((name) => [name, `file:${tarball(name)}`]));
    const overrides = Object.fromEntries([...tarballs].map(([name, file]) => [name, `file:${file}`]));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies, pnpm: { overrides } }));
    await pnpm(['install', '--ignore-workspace', '--config.node-linker=hoisted'], folder);

    const installed = readdirSync(join(folder, 'node_modules/@opt')).map((name) => `@opt/${name}`);
    expect(installed.sort()).toEqual(['@opt/core', '@opt/soap', '@opt/transforms', `@opt/${backend}`, ...more].sort());
    const strangers = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.') && name !== '@opt');
    expect(strangers).toEqual([]);

    writeFileSync(join(folder, 'train.mjs'), training.replaceAll('BACKEND-PACKAGE', backend).replaceAll('BACKEND', factory));
    const { stdout } = await run(process.execPath, ['train.mjs'], { cwd: folder });
    const { before, after } = JSON.parse(stdout);
    expect(after).toBeLessThan(0.2 * before);
  });

  it.skipIf(factory !== 'wasm')('train on two threads', async () => {
    writeFileSync(join(folder, 'threads.mjs'), onThreads);
    const { stdout, stderr } = await run(process.execPath, ['threads.mjs'], { cwd: folder });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ threads: 2, shared: true, same: true });
  });
});

testReadmes(installed, outside);
testAuthor(installed, outside);
testDeclarations(installed, outside);
testBundles(installed, outside);
