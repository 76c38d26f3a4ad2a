import { writeFileSync } from 'node:fs';
import { entrantNamed } from '../race/entrants.ts';
import { nodeData } from '../race/node-data.ts';
import { race } from '../race/race.ts';
import { inRepository } from './repository.ts';

// Runs the race whose curves the front page shows, and keeps its losses.
const names = ['soap-normalize-ema', 'soap', 'muon', 'adamw', 'sgd'];
const run = await race({ task: 'mlp', seed: 0, batch: 64, lanes: names.map((optimizer) => ({ optimizer, options: {} })) }, nodeData);
const losses: number[][] = names.map(() => []);
for (let step = 0; step < 1000; step++) run.step().forEach(({ loss }, lane) => void losses[lane]?.push(Number(loss.toPrecision(4))));
const lanes = names.map((name, lane) => ({
  label: entrantNamed(name).label,
  colour: entrantNamed(name).colour,
  losses: losses[lane] ?? [],
}));
writeFileSync(inRepository('site/src/build/still.json'), `${JSON.stringify({ lanes })}\n`);
console.log(names.map((name, lane) => `${name} ${losses[lane]?.at(-1)}`).join('\n'));
