import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Contender, type Entry, MissingPeer } from './contender.ts';

type Answer = Readonly<Record<string, unknown>>;

/** The fields of whatever JSON held. */
export const fields = (value: unknown): Answer => (typeof value === 'object' && value !== null ? { ...value } : {});

/** A child that answers every line of JSON with one line of JSON, in order. */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #over: Error | undefined;

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
    this.#child = child;
    child.on('error', (error) => this.#end(error));
    child.on('exit', (code, signal) => this.#end(new Error(`the process ended (${signal ?? code})`)));
    // Writing to a child that has ended is told by its exit.
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => {
      const waiting = this.#waiting.shift();
      const answer = parsed(line);
      if (answer === undefined) waiting?.reject(new Error(`the process said '${line.slice(0, 80)}'`));
      else waiting?.resolve(answer);
    });
  }

  async ask(question: Answer): Promise<Answer> {
    if (this.#over !== undefined) throw this.#over;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    });
    if (typeof answer['missing'] === 'string') throw new MissingPeer(answer['missing']);
    if (typeof answer['error'] === 'string') throw new Error(answer['error']);
    return answer;
  }

  close(): void {
    this.#child.stdin?.end();
    this.#child.kill();
  }

  #end(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** A task of another process: prepared when it is named first, then asked for so many iterations at a time. */
export const remote = (name: string, child: () => LineProcess, task: string, spec: Answer, block = 1): Entry => ({
  name,
  block,
  async make(): Promise<Contender> {
    const worker = child();
    await worker.ask({ task, spec });
    return {
      async run(iterations) {
        const { seconds } = await worker.ask({ task, iterations });
        if (typeof seconds !== 'number') throw new Error(`'${task}' was not timed`);
        return seconds * iterations;
      },
      async dispose() {
        await worker.ask({ task, release: true });
      },
    };
  },
});

function parsed(line: string): Answer | undefined {
  try {
    return fields(JSON.parse(line));
  } catch {
    return undefined;
  }
}
