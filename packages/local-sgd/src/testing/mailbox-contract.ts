import { expect, it } from 'vitest';
import type { Mailbox } from '../index.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const nothing = { seen: new Set<string>(), wait: 0, most: 1000 };
const contents = (postings: readonly { readonly bytes: Uint8Array }[]): number[][] => postings.map((one) => [...one.bytes]).sort();

/** What every mailbox must do. `open` opens the same mailbox as another worker would. */
export function testMailbox(open: () => Promise<Mailbox>): void {
  it('gives what was posted for a turn, once, to everybody', async () => {
    const [a, b] = [await open(), await open()];
    await a.post(3, bytes(1, 2));
    await b.post(3, bytes(1, 2));
    await b.post(4, bytes(9));
    const first = await b.collect(3, nothing);
    expect(contents(first)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const seen = new Set(first.map(({ id }) => id));
    expect(seen.size).toBe(2);
    await a.post(3, bytes());
    expect(contents(await b.collect(3, { ...nothing, seen }))).toEqual([[]]);
    expect(contents(await a.collect(3, nothing))).toHaveLength(3);
    expect(await a.collect(5, nothing)).toEqual([]);
    await Promise.all([a.close(), b.close()]);
  });

  it('waits for what is not there yet, and not for ever', async () => {
    const [a, b] = [await open(), await open()];
    const waiting = a.collect(7, { ...nothing, wait: 5000 });
    await new Promise((done) => setTimeout(done, 50));
    await b.post(7, bytes(7));
    expect(contents(await waiting)).toEqual([[7]]);
    expect(await a.collect(8, { ...nothing, wait: 30 })).toEqual([]);
    await Promise.all([a.close(), b.close()]);
  });

  it('has one record of a turn, whoever else tries', async () => {
    const mailboxes = await Promise.all(Array.from({ length: 8 }, open));
    const [one] = mailboxes;
    expect(await one?.committed(10)).toBeUndefined();
    const results = await Promise.all(mailboxes.map((mailbox, i) => mailbox.commit(10, bytes(i, i))));
    expect(new Set(results.map(String)).size).toBe(1);
    expect([...((await one?.committed(10))?.bytes ?? [])]).toEqual([...(results[0] ?? [])]);
    await one?.commit(11, bytes(5));
    expect(await one?.committed()).toEqual({ turn: 11, bytes: bytes(5) });
    expect(await mailboxes[3]?.committed()).toEqual({ turn: 11, bytes: bytes(5) });
    await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
  });
}
