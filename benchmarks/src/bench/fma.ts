import { fileURLToPath } from 'node:url';
import { fmaSupported } from '@opt/linalg';
import { type Entry, missing } from './contender.ts';
import { LineProcess, remote } from './line-process.ts';

const flag = '--experimental-wasm-relaxed-simd';

/** Our contenders in a process that knows fused multiply-add, where this one does not. */
export class FmaProcess {
  readonly #backendName: string;
  #child: LineProcess | undefined;

  constructor(backendName: string) {
    this.#backendName = backendName;
  }

  entry(task: string, block = 1): Entry {
    const name = 'ours (FMA)';
    if (fmaSupported()) return missing(name, 'this Node has fused multiply-add anyway: see ours');
    return remote(name, () => this.#process(), task, {}, block);
  }

  close(): void {
    this.#child?.close();
    this.#child = undefined;
  }

  #process(): LineProcess {
    const script = fileURLToPath(new URL('own-process.ts', import.meta.url));
    this.#child ??= new LineProcess(process.execPath, [...process.execArgv, flag, script, this.#backendName]);
    return this.#child;
  }
}
