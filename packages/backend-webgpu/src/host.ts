import { BackendError } from '@opt/core';
import { isFactorization } from '@opt/linalg';
import type { Value } from './plan/value.ts';
import { type Answer, type Entry, type Link, open } from './worker/link.ts';
import { perform, type Work } from './worker/work.ts';

/** The factorisations of operands like those of `value`, one after the other. */
export function workOf({ operation, inputs }: Value, operands: readonly Float32Array<ArrayBuffer>[]): Work {
  const [rows = 1, columns = 1] = inputs.at(-1)?.shape.slice(-2) ?? [];
  if (!isFactorization(operation)) throw new BackendError(`webgpu: '${operation.op}' is no factorisation`);
  return { factorization: operation, shape: [(operands.at(-1)?.length ?? 0) / (rows * columns), rows, columns], operands };
}

interface Waiting {
  readonly work: Work;
  resolve(data: Float32Array<ArrayBuffer>): void;
  reject(error: Error): void;
}

/**
 * Factorises in a worker, so that the thread of the steps stays free: a thread of Node's, or a module worker. Where none can be had (no
 * script where the bundler left this one, a policy of the page's) it is done in this thread.
 */
export class Host {
  readonly #entry: Entry | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #link: Link | 'unopened' | 'none' = 'unopened';
  #count = 0;
  #ended = false;

  constructor(entry?: Entry) {
    this.#entry = entry;
  }

  /** Whether a worker is at work; true until it is tried. */
  get worker(): boolean {
    return this.#link !== 'none';
  }

  async factorize(work: Work): Promise<Float32Array<ArrayBuffer>> {
    if (this.#ended) throw ended();
    if (this.#link === 'unopened')
      this.#link = open({ hear: (answer) => this.#hear(answer), gone: () => this.#gone() }, this.#entry) ?? 'none';
    const link = this.#link;
    if (link === 'none') return perform(work);
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { work, resolve, reject });
      link.busy(true);
      link.ask({ id, work });
    });
  }

  /** Ends the worker; what it is asked for comes to nothing. */
  end(): void {
    this.#ended = true;
    if (typeof this.#link !== 'string') this.#link.end();
    this.#link = 'none';
    for (const { reject } of this.#waiting.values()) reject(ended());
    this.#waiting.clear();
  }

  #hear(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0 && typeof this.#link !== 'string') this.#link.busy(false);
    if ('data' in answer) waiting.resolve(answer.data);
    else waiting.reject(new BackendError(`webgpu: a factorisation by the host failed: ${answer.error}`));
  }

  #gone(): void {
    this.#link = 'none';
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { work, resolve, reject } of left) this.factorize(work).then(resolve, reject);
  }
}

const ended = (): BackendError => new BackendError('webgpu: the backend was disposed of while the host was at work');
