import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Browser, launch, missingBrowser, type Page } from '@opt/backend-contract/chromium';
import { createServer } from 'vite';
import { freePort, natsServer, startNats } from '../../../packages/local-sgd/src/testing/servers.ts';
import { trainInNode } from './node.ts';
import type { Round } from './train.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const [tabs, rounds] = [2, 20];

/** What a tab shows of its rounds. */
const shown = async (page: Page): Promise<readonly { readonly round: number; readonly digest: string }[]> => {
  const rows = await page
    .locator('tbody tr')
    .evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
  return rows.map(([round, , , digest = '']) => ({ round: Number(round), digest: digest ?? '' }));
};

/** How a tab ended, in its own words. */
async function said(page: Page, timeout: number): Promise<string | null> {
  await page.waitForFunction(() => /^(done|failed)/.test(document.querySelector('output')?.value ?? ''), undefined, { timeout });
  return page.textContent('output');
}

/** A NATS server, tabs and this process: one run. Half way the last tab is closed, as somebody does who has seen enough. */
async function main(): Promise<void> {
  if (natsServer === undefined) throw new Error('expected nats-server in PATH (Debian: apt-get install nats-server), found none');
  if (missingBrowser !== '') throw new Error(`expected a browser ${missingBrowser}`);
  const websocket = await freePort();
  const nats = await startNats(natsServer, { websocket });
  const pages = await createServer({ root, logLevel: 'error', server: { port: 0, host: '127.0.0.1' } });
  let browser: Browser | undefined;
  try {
    await pages.listen();
    browser = await launch();
    const secret = randomUUID();
    const run = `spirals-${secret.slice(0, 8)}`;
    const address = pages.resolvedUrls?.local[0] ?? '';
    // Without an assignment the page only says so, and is compiled: from then on a tab begins at once.
    const open = async (): Promise<Page> => {
      const page = await browser?.newPage();
      if (page === undefined) throw new Error('there is no browser');
      await page.goto(address);
      await said(page, 90_000);
      return page;
    };
    const opened = [await open()];
    while (opened.length < tabs) opened.push(await open());
    const [first, last] = [opened[0], opened.at(-1)];
    const digests = new Map<number, string>();
    const seen = new Set<string>();
    let closed: Promise<void> | undefined;
    const told = ({ round, loss, members, digest }: Round): void => {
      digests.set(round, digest);
      for (const member of members) seen.add(member);
      console.log(`round ${round}/${rounds}  loss ${loss.toFixed(4)}  ${members.join(', ')}`);
      if (round >= rounds / 2) closed ??= last?.close();
    };
    const assignment = { run, secret, worker: 'node', index: 0, workers: tabs + 1, rounds };
    const training = trainInNode(`nats://127.0.0.1:${nats.port}`, assignment, told);
    for (const [i, page] of opened.entries()) {
      const search = new URLSearchParams({
        ...{ nats: `ws://127.0.0.1:${websocket}`, run, secret, worker: `tab-${i + 1}`, index: `${i + 1}` },
        ...{ workers: `${tabs + 1}`, rounds: `${rounds}` },
      });
      await page.goto(`${address}?${search}`, { waitUntil: 'commit' });
    }
    await training;
    await closed;
    if (first === undefined) throw new Error('no tab was opened');
    const outcome = await said(first, 30_000);
    if (outcome !== 'done') throw new Error(`a tab says: ${outcome}`);
    const rows = await shown(first);
    const alike = rows.filter(({ round, digest }) => digests.get(round) === digest).length;
    console.log(`${[...seen].sort().join(', ')} counted; ${alike} of ${rows.length} rounds of tab-1 had the SHA-256 of this process`);
    if (rows.length === 0 || alike !== rows.length) throw new Error('replicas differed');
  } finally {
    await browser?.close();
    await pages.close();
    await nats.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(`browser-workers: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
