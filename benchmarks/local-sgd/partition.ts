import { spawnSync } from 'node:child_process';

/** A network of its own on this machine, joined to the machine's by one cable that can be pulled. */
export interface Namespace {
  readonly name: string;
  /** The machine, as it is called from inside. */
  readonly host: string;
  /** Pulls the cable, or plugs it in again. */
  connect(connected: boolean): void;
  remove(): void;
}

const ip = (...args: readonly string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;

/** Needs root and the program `ip`; undefined where that is not to be had. */
export function openNamespace(): Namespace | undefined {
  const name = `workers-${process.pid}`;
  // Names of devices have 15 letters at most.
  const [outside, inside] = [`wo${process.pid}`, `wi${process.pid}`];
  const [host, guest] = ['10.231.87.1', '10.231.87.2'];
  const remove = (): void => {
    ip('link', 'del', outside);
    ip('netns', 'del', name);
  };
  const made =
    ip('netns', 'add', name) &&
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside) &&
    ip('link', 'set', inside, 'netns', name) &&
    ip('addr', 'add', `${host}/30`, 'dev', outside) &&
    ip('link', 'set', outside, 'up') &&
    ip('-n', name, 'addr', 'add', `${guest}/30`, 'dev', inside) &&
    ip('-n', name, 'link', 'set', inside, 'up') &&
    ip('-n', name, 'link', 'set', 'lo', 'up');
  if (!made) {
    remove();
    return undefined;
  }
  return { name, host, connect: (connected) => void ip('link', 'set', outside, connected ? 'up' : 'down'), remove };
}
