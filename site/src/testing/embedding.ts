/// <reference lib="dom" preserve="true" />
import { createServer } from 'node:http';
import type { Browser } from '@opt/backend-contract/chromium';
import { expect, it } from 'vitest';
import { type ServedSite, watched } from './site.ts';

/** `<opt-race>` on a page of another origin, under a policy that allows it what its documentation says and nothing else. */
export function embedding(browser: () => Browser, site: () => ServedSite): void {
  it('figures stand in a page of another origin under a strict policy, and tell it what is set', { timeout: 120_000 }, async () => {
    const origin = new URL(site().address).origin;
    const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Elsewhere</title>
<script type="module" src="${site().address}/assets/opt-race.js"></script></head>
<body><opt-race figure="race" state="task=mlp&amp;seed=1&amp;steps=3&amp;lane=sgd" scheme="dark" label="Two lanes"></opt-race>
<opt-race figure="valley" state="angle=30&amp;condition=2"></opt-race></body></html>`;
    const server = createServer((_, response) => {
      const policy = `default-src 'none'; script-src ${origin}; frame-src ${origin}`;
      response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy }).end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    const elsewhere = `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}/`;
    const { page, wrong } = await watched(browser(), [site().address, elsewhere]);
    try {
      await page.goto(elsewhere);
      const race = page.frameLocator('opt-race >> nth=0 >> iframe');
      await race.locator('button[name=run]').click();
      await race.locator('output', { hasText: 'done: 3 steps' }).waitFor({ timeout: 60_000 });
      expect(await race.locator('header.top').isVisible()).toBe(false);
      expect(await race.locator('html').getAttribute('data-scheme')).toBe('dark');

      const state = (): Promise<string | null> => page.getAttribute('opt-race >> nth=0', 'state');
      await page.evaluate(() => {
        document.querySelector('opt-race')?.addEventListener('change', () => document.body.setAttribute('data-changed', 'true'));
      });
      await race.locator('input[name=seed]').fill('7');
      await race.locator('input[name=seed]').press('Enter');
      await page.waitForFunction(() => document.body.dataset['changed'] === 'true');
      expect(await state()).toContain('seed=7');

      await page.evaluate(() => document.querySelector('opt-race')?.setAttribute('state', 'task=mlp&seed=9&lane=muon'));
      await race.locator('.lane select >> nth=0').waitFor();
      await expect.poll(() => race.locator('input[name=seed]').inputValue()).toBe('9');

      const frame = page.locator('opt-race >> nth=1 >> iframe');
      await expect.poll(async () => (await frame.boundingBox())?.height ?? 0).toBeGreaterThan(300);
      expect(await frame.getAttribute('title')).toBe('Three optimizers in a valley');
      expect(wrong).toEqual([]);
    } finally {
      await page.close();
      server.close();
    }
  });
}
