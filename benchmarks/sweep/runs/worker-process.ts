import type { Catalogue } from './catalogue.ts';
import { execute } from './execute.ts';
import type { Answer, Question } from './messages.ts';
import { settingsKeys } from './settings-key.ts';

/**
 * A process that does one run after another for the process that forked it, and ends with it. Runs get a process of their own because
 * they compute without a pause: who forked it can go on talking to a terminal or to Redis.
 */
const [catalogueUrl = ''] = process.argv.slice(2);
const tellEvery = 100;

const send = (answer: Answer): void => {
  process.send?.(answer);
};

const loaded = import(catalogueUrl).then(({ catalogue }: { readonly catalogue: Catalogue }) => ({
  catalogue,
  keyOf: settingsKeys(catalogue),
}));
// Told with the first question.
loaded.catch(() => {});

process.on('disconnect', () => process.exit());
process.on('message', async (question: Question) => {
  try {
    const { catalogue, keyOf } = await loaded;
    let toldAt = 0;
    const result = await execute(catalogue, keyOf, question, (step) => {
      const now = performance.now();
      if (now - toldAt < tellEvery) return;
      toldAt = now;
      send({ step });
    });
    send({ result });
  } catch (error) {
    send({ error: error instanceof Error ? error.message : String(error) });
  }
});
