import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where a program is, or undefined; Debian has servers in sbin. */
const programNamed = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].map((folder) => join(folder, name)).find((file) => existsSync(file));

export const redisServer: string | undefined = programNamed('redis-server');
export const natsServer: string | undefined = programNamed('nats-server');

/** A server of our own on a free port, that writes what it knows to a temporary folder. */
export interface Server {
  readonly port: number;
  /** Ends it, at once unless told otherwise, and after `away` milliseconds starts another on the same port with the same data. */
  restart(options?: { readonly away?: number; readonly signal?: 'SIGKILL' | 'SIGTERM' }): Promise<void>;
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  readonly websocket?: number;
  readonly host?: string;
}

/** Redis that has on its disk whatever it answered for, a kill aside that also takes the machine. */
export const startRedis = (program: string): Promise<Server> =>
  startServer(
    program,
    (port, folder) => ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--save', ''],
    'Ready to accept connections',
  );

/** NATS with JetStream, for browsers too where `websocket` is a port; for this machine unless another address of it is given. */
export function startNats(program: string, { websocket, host = '127.0.0.1' }: NatsServerOptions = {}): Promise<Server> {
  const args = (port: number, folder: string): string[] => {
    const config = join(folder, 'nats.conf');
    const browsers = websocket === undefined ? '' : `websocket { host: "${host}", port: ${websocket}, no_tls: true }`;
    writeFileSync(config, `host: "${host}"\nport: ${port}\njetstream { store_dir: "${folder}" }\n${browsers}\n`);
    return ['-c', config];
  };
  return startServer(program, args, 'Server is ready');
}

/** `ready`: what it says, on either stream, once it can be asked. */
async function startServer(program: string, args: (port: number, folder: string) => readonly string[], ready: string): Promise<Server> {
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
  const end = async (signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> => {
    const over = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill(signal);
    await over;
  };
  return {
    port,
    async restart({ away = 0, signal = 'SIGKILL' } = {}) {
      await end(signal);
      await new Promise((done) => setTimeout(done, away));
      child = await launch();
    },
    async stop() {
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
