import { missingBrowser, type OpenPage, openPage } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FilesPage } from './testing/page.ts';

declare const optFiles: FilesPage;

describe.skipIf(missingBrowser)(`in a browser's private file system ${missingBrowser}`, () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage({ entry: new URL('testing/page.ts', import.meta.url), ready: 'optFiles' });
  }, 60_000);
  afterAll(() => open.close());

  const reload = async (): Promise<void> => {
    await open.page.reload();
    await open.page.waitForFunction(() => 'optFiles' in globalThis);
  };

  it('goes there and back, with the state of the call, and is there after a reload', async () => {
    expect(await open.page.evaluate(() => optFiles.thereAndBack('runs/one/sgd.safetensors', 3))).toBe(3);
    expect(await open.page.evaluate(() => optFiles.thereAndBack('runs/one/sgd.safetensors', 4))).toBe(4);
    await reload();
    expect(await open.page.evaluate(() => optFiles.load('runs/one/sgd.safetensors'))).toBe(4);
  });

  it('of many at once to one file, the last one stays', async () => {
    expect(await open.page.evaluate(() => optFiles.atOnce('many', [3000, 100_000, 7]))).toBe(7);
  });

  it('left in the middle of a save, the old one or the new one is there', async () => {
    await open.page.evaluate(() => optFiles.thereAndBack('left', 5));
    for (const wait of [0, 5, 20, 60]) {
      await open.page.evaluate(() => optFiles.begin('left', 2 ** 26));
      await open.page.waitForTimeout(wait);
      await reload();
      const said = await open.page.evaluate(() => optFiles.failure('load', 'left'));
      // The new one is no checkpoint, and is refused for what it is: complete, and all zeros.
      if (said !== 'nothing') {
        expect(said).toContain('its header is no JSON object');
        await open.page.evaluate(() => optFiles.thereAndBack('left', 5));
      } else expect(await open.page.evaluate(() => optFiles.load('left'))).toBe(5);
    }
  });

  it('what cannot be is said, and leaves an older file as it was', async () => {
    const failure = (call: 'load' | 'save', path: string) => open.page.evaluate(([c, p]) => optFiles.failure(c, p), [call, path] as const);
    expect(await failure('load', 'missing')).toMatch(/^CheckpointError: loadFile: 'missing' could not be read: /);
    for (const path of ['', '/a', 'a//b', '../a'])
      expect(await failure('save', path)).toBe(
        `OptionTypeError: saveFile: path must be names with '/' between them, such as 'runs/adamw.safetensors', received '${path}'`,
      );
    await open.page.evaluate(() => optFiles.thereAndBack('old', 6));
    await open.page.evaluate(() => optFiles.fill());
    for (const path of ['old', 'new'])
      expect(await failure('save', path)).toBe(
        `CheckpointError: saveFile: '${path}' could not be written, an older file is as it was: no room`,
      );
    expect(await open.page.evaluate(() => optFiles.load('old'))).toBe(6);
    expect(await failure('load', 'new')).toBe("CheckpointError: loadFile: 'new' is empty: its first save did not end");
  });
});
