import { createInterface } from 'node:readline';
import type { Contender } from './contender.ts';
import { fields } from './line-process.ts';
import { ownContender } from './own.ts';

/** Our contenders in a process of their own, for flags that a process must be started with: lines of JSON in, lines of JSON out. */
const [backendName = ''] = process.argv.slice(2);
const prepared = new Map<string, Contender>();

async function answer(line: string): Promise<object> {
  const { task, iterations, release } = question(line);
  const known = prepared.get(task);
  if (known === undefined) {
    prepared.set(task, await ownContender(task, backendName));
    return { ready: true };
  }
  if (!release) return { seconds: (await known.run(iterations)) / iterations };
  prepared.delete(task);
  await known.dispose();
  return { released: true };
}

function question(line: string): { task: string; iterations: number; release: boolean } {
  const { task, iterations, release } = fields(JSON.parse(line));
  if (typeof task !== 'string') throw new Error('a task is needed');
  return { task, iterations: typeof iterations === 'number' ? iterations : 1, release: release === true };
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(line)));
  } catch (error) {
    console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
}
