import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Growth, GrowthOrder } from './growth-process.ts';
import type { Say } from './say.ts';

type Answer = { readonly growth: Growth } | { readonly error: string };

/** In a process of its own, whose memory is nobody else's. */
const measured = (order: GrowthOrder): Promise<Growth> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./growth-process.ts', import.meta.url)));
    child.once('message', (answer: Answer) => ('growth' in answer ? resolve(answer.growth) : reject(new Error(answer.error))));
    child.once('exit', (code, signal) => reject(new Error(`a process ended early: ${signal ?? code}`)));
    child.send(order);
  });

const codecs = ['none', 'table', 'two-bits', 'sparse'] as const;
const ofParameters = codecs.flatMap((codec) =>
  [1e5, 1e6, 1e7, 1e8].map((parameters): GrowthOrder => ({ codec, parameters, workers: 2, alone: parameters > 1e7 })),
);
const ofWorkers = [1, 2, 4, 8, 16, 32, 64].map((workers): GrowthOrder => ({ codec: 'table', parameters: 1e5, workers, alone: false }));

/** What a round costs by parameters, and by workers. */
export async function growth(
  say: Say,
  keep: (found: Readonly<Record<string, unknown>>) => void,
): Promise<Readonly<Record<string, unknown>>> {
  const rows: (GrowthOrder & Growth)[] = [];
  for (const order of [...ofWorkers, ...ofParameters]) {
    const found = await measured(order);
    rows.push({ ...order, ...found });
    keep({ rows });
    const { sent, received, encodeSeconds, decodeSeconds, roundSeconds, memory } = found;
    say(
      `${order.codec}, ${order.parameters.toExponential(0)} parameters, ${order.workers} workers: sent ${sent}, received ${received}, ${ms(encodeSeconds)} to encode, ${ms(decodeSeconds)} to decode, ${roundSeconds === undefined ? 'codec alone' : `${ms(roundSeconds)} a round`}, ${Math.round(memory / 1e6)} MB`,
    );
  }
  return { rows };
}

const ms = (seconds: number): string => `${(1000 * seconds).toPrecision(3)} ms`;
