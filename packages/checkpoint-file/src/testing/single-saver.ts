import { saveFile } from '../node.ts';

/** Saves so many bytes of 2 and prints what came of it. */
const [, , path = '', bytes = '0'] = process.argv;
try {
  await saveFile(path, { save: () => new Uint8Array(Number(bytes)).fill(2) });
  console.log('saved');
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
}
