import { describe, expect, it } from 'vitest';
import { missingBrowser, openPage } from './chromium.ts';

describe.skipIf(missingBrowser)(`a page ${missingBrowser}`, () => {
  it('that fails before it is ready is not waited for: its error is told', async () => {
    const entry = new URL('testing/failing-page.ts', import.meta.url);
    await expect(openPage({ entry, ready: 'never' })).rejects.toThrow('nothing to see here');
  });
});
