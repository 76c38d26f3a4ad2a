/// <reference lib="dom" preserve="true" />
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { launch } from '@opt/backend-contract/chromium';
import { inRepository } from './build/repository.ts';
import { servedSite } from './testing/site.ts';

// `pnpm frames`: how long the frames of the playground take while a race of four runs on wasm, by the browser's own timings.

/** Of one run: what `requestAnimationFrame` was told, and the tasks of the page that the browser calls long (50 ms and more). */
interface Frames {
  readonly milliseconds: readonly number[];
  readonly longTasks: readonly number[];
}

declare global {
  interface Window {
    timings: Frames & { begin(): void };
  }
}

/** As text: what runs this program gives functions names by a helper that the page does not have. */
const watch = `{
  const [milliseconds, longTasks] = [[], []];
  let last = 0;
  const frame = (now) => {
    if (last > 0) milliseconds.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  window.timings = { milliseconds, longTasks, begin: () => void requestAnimationFrame(frame) };
}`;

const steps = 1500;
const rounds = 3;

const site = await servedSite();
const browser = await launch();
const measured: Frames[] = [];
for (let round = 0; round < rounds; round++) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${site.address}/playground.html#steps=${steps}`);
  await page.evaluate(watch);
  await page.click('button[name=run]');
  // What is compiled and drawn for the first time is measured too.
  await page.evaluate(() => window.timings.begin());
  await page.waitForFunction(() => /^done/.test(document.querySelector('output')?.value ?? ''), undefined, { timeout: 300_000 });
  measured.push(await page.evaluate(() => ({ milliseconds: window.timings.milliseconds, longTasks: window.timings.longTasks })));
  await page.close();
}
await browser.close();
site.close();

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
const summary = measured.map(({ milliseconds, longTasks }) => {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const brief = (value: number): number => Number(value.toFixed(1));
  return {
    frames: sorted.length,
    median: brief(at(sorted, 0.5)),
    ninetyNine: brief(at(sorted, 0.99)),
    longest: brief(at(sorted, 1)),
    above50: sorted.filter((one) => one > 50).length,
    longTasks: longTasks.length,
  };
});
console.table(summary);
const result = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model ?? '',
  cores: cpus().length,
  load: loadavg()[0],
  steps,
  rounds: summary,
};
writeFileSync(inRepository('benchmarks/results/frames.json'), `${JSON.stringify(result, undefined, 2)}\n`);
