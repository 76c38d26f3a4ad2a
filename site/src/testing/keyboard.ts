/// <reference lib="dom" preserve="true" />
import type { Browser, Page } from '@opt/backend-contract/chromium';
import { expect, it } from 'vitest';
import { type ServedSite, says, watched } from './site.ts';

/** Pages with controls, with a menu, and with blocks that scroll. */
const pages = ['playground', 'bowl', 'lens', 'valley', 'memory', 'sphere', 'optimizers/soap'];

/** Everything by keys alone. */
export function keyboard(browser: () => Browser, site: () => ServedSite): void {
  it.each(pages)('every control of %s is reached by Tab, in the order of the page, and seen', { timeout: 60_000 }, async (name) => {
    const { page } = await watched(browser(), [site().address], { viewport: { width: 1280, height: 800 } });
    await page.goto(`${site().address}/${name}.html`);
    const wanted = await page.evaluate(() => {
      const all = [...document.querySelectorAll<HTMLElement>('a[href], button, input, select, summary, [tabindex="0"]')];
      const reachable = all.filter(
        (one) =>
          one.checkVisibility() && !(one as HTMLButtonElement).disabled && one.closest('details:not([open]) > :not(summary)') === null,
      );
      reachable.forEach((one, i) => {
        one.dataset['stop'] = String(i);
      });
      return reachable.map((_, i) => String(i));
    });
    const met: { readonly stop: string; readonly ring: string }[] = [];
    for (let i = 0; i < wanted.length; i++) {
      await page.keyboard.press('Tab');
      met.push(await focus(page));
    }
    expect(met.map(({ stop }) => stop)).toEqual(wanted);
    expect(met.filter(({ ring }) => ring === 'none')).toEqual([]);
    await page.close();
  });

  it('a race is set up, run and paused by keys alone', { timeout: 90_000 }, async () => {
    const { page, wrong } = await watched(browser(), [site().address]);
    await page.goto(`${site().address}/playground.html#steps=5&lane=sgd&lane=adamw`);
    await tabTo(page, 'select[name=axis]');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => location.hash.includes('axis=time'));
    await tabTo(page, '.lane input[type=range]');
    const before = await page.inputValue('.lane .rate input >> nth=0');
    await page.keyboard.press('ArrowRight');
    expect(Number(await page.inputValue('.lane .rate input >> nth=0'))).toBeGreaterThan(Number(before));
    await tabTo(page, '.lane summary');
    await page.keyboard.press('Enter');
    expect(await page.locator('.lane details').first().getAttribute('open')).not.toBeNull();
    await tabTo(page, '.lane .remove');
    await page.keyboard.press('Enter');
    expect(await page.locator('.lane').count()).toBe(1);
    await tabTo(page, 'button[name=add]');
    await page.keyboard.press('Space');
    expect(await page.locator('.lane').count()).toBe(2);
    await tabTo(page, 'button[name=run]');
    await page.keyboard.press('Enter');
    await says(page, /^done: 5 steps$/);
    expect(wrong).toEqual([]);
    await page.close();
  });
}

/** What has the focus, and how it is outlined. */
const focus = (page: Page): Promise<{ stop: string; ring: string }> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return { stop: 'nothing', ring: 'none' };
    return { stop: element.dataset['stop'] ?? element.outerHTML.slice(0, 80), ring: getComputedStyle(element).outlineStyle };
  });

/** Presses Tab until the first element of a selector has the focus, round the page once at most. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 120; i++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement === document.querySelector(wanted), selector)) return;
  }
  throw new Error(`${selector} is not reached by Tab`);
}
