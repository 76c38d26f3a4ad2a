import { saveFile } from '../node.ts';

/** Saves 1, 2, 3, … as 4 MiB of that byte, for ever, and says so each time; killed by the test. */
const [, , path = ''] = process.argv;
for (let k = 1; ; k++) {
  await saveFile(path, { save: () => new Uint8Array(2 ** 22).fill(k) });
  process.stdout.write(`${k}\n`);
}
