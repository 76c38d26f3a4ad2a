import { fileURLToPath } from 'node:url';
import { type Entry, missing } from './contender.ts';
import { LineProcess, remote } from './line-process.ts';
import { type Python, threadLimit } from './python.ts';

/** PyTorch and numpy, in one child for the whole run, on one thread if nothing else is said. */
export class TorchPeer {
  readonly #python: Python | undefined;
  readonly #threads: number;
  #child: LineProcess | undefined;

  constructor(python: Python | undefined, threads = 1) {
    this.#python = python;
    this.#threads = threads;
  }

  /** An entry of `torch_peer.py`; `library` is what it needs. */
  entry(name: string, library: 'torch' | 'numpy', spec: Readonly<Record<string, unknown>>, block = 1): Entry {
    if (!this.#python?.[library]) return missing(name, `no python3 that can import ${library}`);
    return remote(name, () => this.#process(), `${name} ${JSON.stringify(spec)}`, { ...spec, library }, block);
  }

  /** The libraries that do its linear algebra. */
  async libraries(): Promise<readonly string[]> {
    if (this.#python === undefined) return [];
    const { libraries } = await this.#process().ask({ about: true });
    return Array.isArray(libraries) ? libraries.map(String) : [];
  }

  close(): void {
    this.#child?.close();
    this.#child = undefined;
  }

  #process(): LineProcess {
    const script = fileURLToPath(new URL('torch_peer.py', import.meta.url));
    this.#child ??= new LineProcess(this.#python?.command ?? 'python3', [script], threadLimit(this.#threads));
    return this.#child;
  }
}
