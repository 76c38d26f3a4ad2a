import type { Committed, Mailbox, Posting } from './mailbox.ts';

/** A mailbox of one process: for tests, and for workers that are tabs' or threads' neighbours. */
export function memoryMailbox(): Mailbox {
  const postings = new Map<number, Posting[]>();
  const records = new Map<number, Uint8Array>();
  const waiting = new Set<() => void>();
  let last = -1;
  return {
    async post(turn, bytes) {
      const there = postings.get(turn) ?? [];
      postings.set(turn, there);
      there.push({ id: `${turn}-${there.length}`, bytes: bytes.slice() });
      for (const wake of waiting) wake();
    },
    async collect(turn, { seen, wait, most }) {
      const found = (): Posting[] =>
        (postings.get(turn) ?? []).filter(({ id }) => !seen.has(id)).map(({ id, bytes }) => ({ id, bytes: bytes.subarray(0, most + 1) }));
      if (found().length === 0 && wait > 0) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            clearTimeout(timer);
            waiting.delete(wake);
            resolve();
          };
          const timer = setTimeout(wake, wait);
          waiting.add(wake);
        });
      }
      return found();
    },
    async commit(turn, bytes) {
      const there = records.get(turn);
      if (there !== undefined) return there;
      records.set(turn, bytes.slice());
      last = Math.max(last, turn);
      for (const wake of waiting) wake();
      return bytes;
    },
    async committed(turn = last): Promise<Committed | undefined> {
      const bytes = records.get(turn);
      return bytes && { turn, bytes };
    },
    async close() {},
  };
}
