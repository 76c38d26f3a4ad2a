import { saveFile } from '@opt/checkpoint-file';

/** The process that is killed: saves what it is sent, one after the other, until it is. */
const [path = ''] = process.argv.slice(2);

process.once('message', async (files: readonly Uint8Array[]) => {
  process.send?.('begun');
  for (let i = 0; ; i = (i + 1) % files.length) {
    const file = files[i];
    if (file === undefined) return;
    await saveFile(path, { save: () => file });
  }
});
