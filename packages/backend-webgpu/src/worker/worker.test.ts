import { missingBrowser, openPage } from '@opt/backend-contract/chromium';
import { BackendError } from '@opt/core';
import { linalg } from '@opt/linalg';
import { describe, expect, it } from 'vitest';
import { Host } from '../host.ts';
import type {} from '../testing/worker-page.ts';
import type { Entry } from './link.ts';
import type { Work } from './work.ts';

// The worker runs on the source, as these tests do, and on whatever they have of other packages.
const built = process.env['TEST_BUILT'] !== undefined;
const entry: Entry = {
  script: new URL('../testing/serve-source.mjs', import.meta.url),
  flags: built ? [] : ['--conditions=@opt/source'],
};

const symmetric = (n: number, phase = 0): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return Math.sin(Math.min(i, j) * 1.7 + Math.max(i, j) + phase) + (i === j ? i : 0);
  });

/** √x, as Cholesky's factor of a matrix. */
const rootOf = (x: number): Work => ({ factorization: { op: 'cholesky' }, shape: [1, 1], operands: [Float32Array.of(x)] });

describe('the host', () => {
  it('factorises in a worker what it is asked for, in order, as the kernels do', async () => {
    const host = new Host(entry);
    const n = 5;
    const [a, b] = [symmetric(n), symmetric(n, 1)];
    const both = Float32Array.from([...a, ...b]);
    const [first, second] = [a, b].map((x) => linalg().eigh(x, n));
    if (first === undefined || second === undefined) throw new Error('two matrices are needed');
    const positive = linalg().matmul(a, a, { m: n, n, k: n }, { transposeB: true });
    const L = linalg().cholesky(positive, n);
    const shape = [n, n];
    const answers = await Promise.all([
      host.factorize({ factorization: { op: 'eigh' }, shape: [2, n, n], operands: [both] }),
      host.factorize({ factorization: { op: 'orthonormalize', deficient: 'complete', tolerance: 1e-6 }, shape, operands: [a] }),
      host.factorize({ factorization: { op: 'cholesky' }, shape, operands: [Float32Array.from(positive)] }),
      host.factorize({ factorization: { op: 'solveTriangular', transpose: true }, shape, operands: [Float32Array.from(L), b] }),
    ]);
    expect(answers[0]).toEqual(Float32Array.from([...first.values, ...second.values, ...first.vectors, ...second.vectors]));
    expect(answers[1]).toEqual(linalg().orthonormalize(a, n, n, { deficient: 'complete' }).q);
    expect(answers[2]).toEqual(L);
    expect(answers[3]).toEqual(linalg().solveTriangular(L, b, n, n, { transpose: true }));
    expect(host.worker).toBe(true);
    host.end();
  });

  it('leaves this thread free meanwhile: timers fire', async () => {
    const host = new Host(entry);
    const work: Work = { factorization: { op: 'eigh' }, shape: [400, 400], operands: [symmetric(400)] };
    await host.factorize(rootOf(4));
    let fired = 0;
    const timer = setInterval(() => fired++, 1);
    await host.factorize(work);
    clearInterval(timer);
    expect(fired).toBeGreaterThan(5);
    host.end();
  });

  it('does it in this thread where no worker can be had', async () => {
    const host = new Host({ script: new URL('./nothing-here.mjs', import.meta.url), flags: [] });
    const work: Work = rootOf(9);
    expect([...(await host.factorize(work))]).toEqual([3]);
    expect(host.worker).toBe(false);
    expect([...(await host.factorize(work))]).toEqual([3]);
  });

  it('says what went wrong in the worker, and goes on', async () => {
    const host = new Host(entry);
    const bad: Work = {
      factorization: { op: 'orthonormalize', deficient: 'zero', tolerance: -1 },
      shape: [1, 1],
      operands: [Float32Array.of(1)],
    };
    const failing = host.factorize(bad);
    await expect(failing).rejects.toThrow(BackendError);
    await expect(failing).rejects.toThrow('tolerance: -1 is not a number ≥ 0');
    expect([...(await host.factorize(rootOf(9)))]).toEqual([3]);
    host.end();
  });

  it('that is ended leaves nobody waiting', async () => {
    const host = new Host(entry);
    const work: Work = { factorization: { op: 'eigh' }, shape: [400, 400], operands: [symmetric(400)] };
    const waiting = host.factorize(work);
    host.end();
    await expect(waiting).rejects.toThrow(/disposed of while the host was at work/);
    await expect(host.factorize(work)).rejects.toThrow(BackendError);
  });

  it.runIf(built)('finds its worker where the package was built', async () => {
    const { Host: Packaged }: typeof import('../host.ts') = await import(new URL('../../dist/host.js', import.meta.url).href);
    const host = new Packaged();
    expect([...(await host.factorize(rootOf(9)))]).toEqual([3]);
    expect(host.worker).toBe(true);
    host.end();
  });
});

describe.skipIf(missingBrowser)(`in Chromium ${missingBrowser}`, () => {
  it('a module worker does it, found beside the script', async () => {
    const { page, files, close } = await openPage({
      entry: new URL('../testing/worker-page.ts', import.meta.url),
      ready: 'optFactorize',
      workers: [new URL('./serve.ts', import.meta.url)],
    });
    try {
      expect(await page.evaluate(() => globalThis.optFactorize([4, 2, 2, 5]))).toEqual({ factor: [2, 0, 1, 2], worker: true });
      // Without the script, the page does it itself.
      files.delete('/serve.js');
      expect(await page.evaluate(() => globalThis.optFactorize([4, 2, 2, 5]))).toEqual({ factor: [2, 0, 1, 2], worker: false });
    } finally {
      await close();
    }
  });
});
