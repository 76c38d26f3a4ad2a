import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseOptions } from '../../examples/many-workers/src/options.ts';
import type { Member } from '../../examples/many-workers/src/team.ts';
import { planOf, trainTogether, type Watching } from '../../examples/many-workers/src/teams.ts';
import type { Together } from '../../examples/many-workers/src/together.ts';
import { stream } from '../../examples/race/src/stream.ts';
import { natsServer, redisServer, type Server, startNats, startRedis } from '../../packages/local-sgd/src/testing/servers.ts';
import type { Judged } from '../tasks/judge.ts';
import { openNamespace } from './partition.ts';

export const workers = 8;

/** A run in which something happens to workers or to what is between them. */
export interface Trial {
  readonly name: string;
  readonly mailbox: 'directory' | 'nats' | 'redis';
  readonly what: 'nothing' | 'kills' | 'broker' | 'slow' | 'slow, fewer steps' | 'partition';
  readonly seed: number;
  /** Decides who is killed when; default 0. */
  readonly draw?: number;
}

export interface TrialOutcome extends Trial {
  readonly judged: Judged | undefined;
  readonly turns: number;
  /** Killed with -9, and which of them came back. */
  readonly killed: number;
  readonly restarts: number;
  /** Of each worker: turns in which its contribution counted. */
  readonly counted: readonly number[];
  readonly alike: boolean;
  readonly refused: string;
  readonly seconds: number;
}

/** What happens while a team trains: called once, with all processes and a look at how far they are. */
type Trouble = (members: readonly Member[], reached: (turn: number) => Promise<void>, rounds: number) => Promise<number>;

/** All but one are killed, each at a random time; half of them come back. */
const killing =
  (seed: number): Trouble =>
  async (members, reached, rounds) => {
    const draw = stream(seed, 'data');
    const order = members.map((member) => ({ member, at: draw() })).sort((a, b) => a.at - b.at);
    const victims = order.slice(1).map(({ member }) => ({ member, turn: 1 + Math.floor(draw() * (rounds - 3)), back: draw() < 0.5 }));
    const killed = await Promise.all(
      victims.map(async ({ member, turn, back }) => {
        await reached(turn);
        await sleep(300 * draw());
        return member.kill(back);
      }),
    );
    return killed.filter(Boolean).length;
  };

async function open(mailbox: Trial['mailbox'], folder: string, host: string | undefined): Promise<{ address: string; server?: Server }> {
  if (mailbox === 'directory') return { address: `dir:${join(folder, 'mailbox')}` };
  const program = mailbox === 'nats' ? natsServer : redisServer;
  if (program === undefined) throw new Error(`a trial over ${mailbox} needs its server in PATH`);
  const server = mailbox === 'nats' ? await startNats(program, host === undefined ? {} : { host: '0.0.0.0' }) : await startRedis(program);
  return { address: `${mailbox}://127.0.0.1:${server.port}`, server };
}

/** Runs one; `undefined` where this machine cannot do what it needs. */
export async function runTrial(trial: Trial, steps: number, deadline: number): Promise<TrialOutcome | undefined> {
  const { what, seed } = trial;
  // A slow one needs rounds as long as one of its steps, or whatever it does is too late.
  const every = what.startsWith('slow') ? 20 : 5;
  const namespace = what === 'partition' ? openNamespace() : undefined;
  if (what === 'partition' && namespace === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'trial-'));
  const { address, server } = await open(trial.mailbox, folder, namespace?.host);
  const began = performance.now();
  const waiting = new Set<{ readonly turn: number; readonly go: () => void }>();
  let killed = 0;
  const trouble: Trouble = async (members, reached, rounds) => {
    if (what === 'kills') return killing(trial.draw ?? 0)(members, reached, rounds);
    if (what === 'broker') {
      await reached(3);
      await server?.restart({ away: 3000 });
    }
    if (what === 'partition') {
      await reached(3);
      namespace?.connect(false);
      await sleep(3 * deadline);
      namespace?.connect(true);
    }
    return 0;
  };
  let happened: Promise<number> = Promise.resolve(0);
  // One worker is ten times slower than the rest, or three are behind a cable.
  const watching: Watching = {
    slowdown: (index) => (what.startsWith('slow') && index === 0 ? 10 : 1),
    every: (index) => (what === 'slow, fewer steps' && index === 0 ? 1 : every),
    ...(namespace && {
      namespace: (index: number) => (index < 3 ? namespace.name : undefined),
      mailbox: (index: number) => (index < 3 ? address.replace('127.0.0.1', namespace.host) : address),
    }),
    onProgress(team: Together) {
      for (const one of waiting) if (team.turns >= one.turn) one.go();
    },
    onStart(members) {
      happened = trouble(
        members,
        (turn) =>
          new Promise((go) => {
            waiting.add({ turn, go });
          }),
        steps / every,
      );
    },
  };
  try {
    const args = ['--workers', workers, '--steps', steps, '--every', every, '--codec', 'two-bits', '--deadline', deadline, '--seed', seed];
    const options = parseOptions(
      [...args, '--mailbox', address, '--rate', 0.01, '--decay', '--outer-rate', 1, '--outer-momentum', 0.3].map(String),
    );
    if (options === 'help') throw new Error('a trial asks for no help');
    const { team, judged } = await trainTogether(await planOf(options, folder), folder, watching);
    killed = await happened;
    const { turns, restarts, alike, refusals } = team;
    return {
      ...trial,
      judged: judged.find((one) => one !== undefined),
      ...{ turns, killed, restarts, alike, refused: refusals },
      counted: team.moment().workers.map(({ counted }) => counted),
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    await server?.stop();
    namespace?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}
