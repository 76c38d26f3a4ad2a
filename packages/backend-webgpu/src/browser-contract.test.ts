import { everything, missingBrowser, type OpenPage, openPage } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {} from './testing/contract-page.ts';
import { expect as expectInPage } from './testing/vitest-in-page.ts';

/** Without `OPT_TESTS=all`: one in so many of the tests. */
const sample = 12;

describe.skipIf(missingBrowser)(`the contract in Chromium ${missingBrowser}`, () => {
  let open: OpenPage;
  let names: readonly string[] | undefined;

  beforeAll(async () => {
    open = await openPage({
      entry: new URL('testing/contract-page.ts', import.meta.url),
      ready: 'optContract',
      instead: {
        vitest: new URL('testing/vitest-in-page.ts', import.meta.url),
        'node:fs': new URL('testing/no-files.ts', import.meta.url),
      },
    });
    names = await open.page.evaluate((share) => globalThis.optContract.start(share), everything ? 1 : 16);
  }, 120_000);

  afterAll(() => open?.close());

  it('holds', { timeout: 7_200_000 }, async ({ skip }) => {
    if (names === undefined) return skip('this Chromium has no WebGPU adapter');
    const failed: string[] = [];
    let ran = 0;
    for (const [i, name] of names.entries()) {
      if (!everything && i % sample !== 0) continue;
      ran++;
      const failure = await open.page.evaluate((at) => globalThis.optContract.run(at), i);
      if (failure !== undefined) failed.push(`${name}: ${failure}`);
    }
    await open.page.evaluate(() => globalThis.optContract.end());
    console.log(`the contract in Chromium: ${ran} of ${names.length} tests, ${failed.length} failed`);
    expect(ran).toBeGreaterThan(10);
    expect(failed).toEqual([]);
  });
});

describe('what stands in for Vitest in a page', () => {
  it.each([
    ['toBe', 0, -0],
    ['toEqual', Float64Array.of(1, 2), Float64Array.of(1, 3)],
    ['toEqual', Float64Array.of(1, 2), Float64Array.of(1)],
    ['toEqual', [Number.NaN, { a: 0 }], [Number.NaN, { a: -0 }]],
    ['toBeInstanceOf', new Error('one'), TypeError],
    ['toBeGreaterThan', 1, 1],
    ['toBeLessThan', Number.NaN, 1],
    ['toBeLessThanOrEqual', Number.NaN, 1],
    ['toBeCloseTo', 1.1, 1],
    ['toContain', 'a text', 'another'],
    ['toContain', [1, 2], 3],
    ['toMatch', 'a text', /^text/],
    ['toMatchObject', { a: [1], b: 2 }, { a: [2] }],
    ['toThrow', Math.random, 'one'],
    ['toThrow', BigInt, RangeError],
  ] as const)('%s finds what is wrong', (matcher, actual, expected) => {
    expect(() => Reflect.apply(expectInPage(actual, 'here')[matcher], expectInPage(actual, 'here'), [expected])).toThrow('here: expected');
  });

  it('finds a promise that rejects otherwise, or not at all', async () => {
    for (const promise of [Promise.reject(new Error('another')), Promise.resolve('one')])
      await expect(expectInPage(promise).rejects.toThrow('one')).rejects.toThrow("to throw 'one'");
    await expectInPage(Promise.reject(new Error('this one'))).rejects.toThrow('one');
    expect(() => expectInPage('equal').not.toBe('equal')).toThrow('not to be');
    expect(() => expectInPage.fail('so')).toThrow('so');
  });
});
