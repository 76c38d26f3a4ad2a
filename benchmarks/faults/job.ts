import type { Found, Share } from './run-faults.ts';
import { runFaults } from './run-faults.ts';

/** What a job tells the process that forked it. */
export type Told = { readonly tried: number } | { readonly found: Found } | { readonly error: string };

const send = (told: Told): void => {
  process.send?.(told);
};

process.on('disconnect', () => process.exit());
process.once('message', async (share: Share) => {
  try {
    send({ found: await runFaults(share, (tried) => send({ tried })) });
  } catch (error) {
    send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
