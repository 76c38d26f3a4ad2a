import { fork } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const child = fileURLToPath(new URL('./saver.ts', import.meta.url));

/** Has another process save these files to one path, over and over, kills it after so many milliseconds, and gives what is there. */
export async function killedSave(path: string, files: readonly Uint8Array[], milliseconds: number): Promise<Uint8Array | undefined> {
  await rm(path, { force: true });
  const saver = fork(child, [path], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const over = new Promise<void>((resolve) => saver.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    saver.once('error', reject);
    saver.once('message', () => resolve());
    saver.send(files);
  });
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  saver.kill('SIGKILL');
  await over;
  return readFile(path).catch(() => undefined);
}
