/// <reference lib="dom" preserve="true" />
import type { Browser } from '@opt/backend-contract/chromium';
import { expect, it } from 'vitest';
import { type ServedSite, says, watched } from './site.ts';

/** Every figure that is no race on the MLP, under the policy. */
export function figures(browser: () => Browser, site: () => ServedSite): void {
  it('a race on the convolutional network runs, and is not offered as a test', { timeout: 180_000 }, async () => {
    const { page, wrong } = await watched(browser(), [site().address]);
    await page.goto(`${site().address}/playground.html#task=convnet&seed=2&steps=3&lane=soap-normalize-ema&lane=adamw`);
    await page.click('button[name=run]');
    await says(page, /^done: 3 steps$/);
    expect(await page.locator('.standing b').first().textContent()).toMatch(/^2\.\d+$/);
    expect(await page.isDisabled('button[name=record]')).toBe(true);
    expect(await page.isDisabled('input[name=batch]')).toBe(true);
    expect(wrong).toEqual([]);
    await page.close();
  });

  it('the lenses show a run, and the slice fills in', { timeout: 180_000 }, async () => {
    const { page, wrong } = await watched(browser(), [site().address]);
    await page.goto(`${site().address}/lens.html#steps=40&layer=layer0.weight`);
    await page.click('button[name=run]');
    await says(page, /^done: 40 steps$/);
    expect(await page.locator('.maps canvas').count()).toBe(5);
    expect(await page.locator('.slice polyline').count()).toBe(4);
    expect(await page.textContent('.about-slice')).toMatch(/directions of both paths, \d\d % of all/);
    expect(await coloured(page.locator('.slice canvas'))).toBe(1);
    expect(wrong).toEqual([]);
    await page.close();
  });

  it('the toys compute, and the address holds what is set', { timeout: 60_000 }, async () => {
    const { page, wrong } = await watched(browser(), [site().address]);
    await page.goto(`${site().address}/memory.html#s=1.5&turned=false`);
    await says(page, /^s = 1.5. The last pair is known after \d+ steps with Muon/);
    expect(await page.isChecked('input[name=turned]')).toBe(false);
    expect(await coloured(page.locator('.memory canvas').first())).toBe(1);
    await page.goto(`${site().address}/sphere.html#yaw=10&pitch=5&condition=1`);
    await says(page, /^10 times steeper; after 60 steps: on the sphere [\d.e-]+° from the lowest point/);
    expect(await page.locator('.ball line').count()).toBe(180);
    expect(page.url()).toMatch(/#yaw=10&pitch=5&condition=1$/);
    expect(wrong).toEqual([]);
    await page.close();
  });
}

/** Share of a canvas that is painted. */
const coloured = (canvas: { evaluate<T>(of: (element: HTMLCanvasElement) => T): Promise<T> }): Promise<number> =>
  canvas.evaluate((element) => {
    const { data } = element.getContext('2d')?.getImageData(0, 0, element.width, element.height) ?? { data: [] };
    let painted = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] === 255) painted += 1;
    return painted / (data.length / 4);
  });
