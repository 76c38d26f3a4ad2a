import { readFileSync } from 'node:fs';
import { nodeData } from './node-data.ts';
import { parseRecording, replay } from './recording.ts';

// `pnpm replay FILE`: runs a race that was downloaded from the playground again, and compares every loss and every weight.
const [file] = process.argv.slice(2).filter((argument) => argument !== '--');
if (file === undefined) {
  console.error('usage: pnpm replay FILE');
  process.exit(2);
}
const recording = parseRecording(readFileSync(file, 'utf8'));
const differences = await replay(recording, nodeData);
for (const difference of differences.slice(0, 20)) console.error(difference);
const steps = recording.results[0]?.losses.length ?? 0;
console.log(
  `${recording.settings.task}, ${recording.settings.lanes.length} lanes, ${steps} steps: ${differences.length === 0 ? 'equal to the last bit' : `${differences.length} differences`}`,
);
process.exitCode = differences.length === 0 ? 0 : 1;
