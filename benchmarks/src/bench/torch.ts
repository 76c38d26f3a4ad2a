import { fileURLToPath } from 'node:url';
import { type Entry, missing } from './contender.ts';
import { LineProcess, remote } from './line-process.ts';
import { oneThread, type Python } from './python.ts';

/** PyTorch and numpy on one thread, in one child for the whole run. */
export class TorchPeer {
  readonly #python: Python | undefined;
  #child: LineProcess | undefined;

  constructor(python: Python | undefined) {
    this.#python = python;
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
    this.#child ??= new LineProcess(this.#python?.command ?? 'python3', [script], oneThread);
    return this.#child;
  }
}
