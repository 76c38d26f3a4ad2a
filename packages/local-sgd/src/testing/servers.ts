import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where a program is, or undefined; Debian has servers in sbin. */
export const programNamed = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].map((folder) => join(folder, name)).find((file) => existsSync(file));

/** A server of our own on a free port, that writes what it knows to a temporary folder. */
export interface Server {
  readonly port: number;
  /** Kills it and starts another on the same port with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** `ready`: what it says, on either stream, once it can be asked. */
export async function startServer(
  program: string,
  args: (port: number, folder: string) => readonly string[],
  ready: string,
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'server-'));
  const port = await freePort();
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(program, args(port, folder), { stdio: ['ignore', 'pipe', 'pipe'] });
    await new Promise<void>((done, failed) => {
      let said = '';
      const hear = (text: Buffer): void => {
        said += text;
        if (said.includes(ready)) done();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', () => failed(new Error(`${program} ended: ${said}`)));
    });
    return child;
  };
  let child = await launch();
  const end = async (): Promise<void> => {
    const over = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await over;
  };
  return {
    port,
    async restart() {
      await end();
      child = await launch();
    },
    async stop() {
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
