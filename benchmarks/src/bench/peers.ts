import { type Entry, missing } from './contender.ts';
import { FmaProcess } from './fma.ts';
import { jaxJsAdam } from './jax-js.ts';
import { mlMatrix } from './ml-matrix.ts';
import type { Shapes } from './models.ts';
import { ownContender } from './own.ts';
import type { Python } from './python.ts';
import { type TfjsBackend, tfjsAdam, tfjsOurs } from './tfjs.ts';
import { TorchPeer } from './torch.ts';

/** Everybody that can be measured: us, and whom we are measured against. */
export interface Peers {
  ours(name: string, task: string, block?: number): Entry;
  fma(task: string, block?: number): Entry;
  torch(name: string, spec: Readonly<Record<string, unknown>>, block?: number, threads?: number): Entry;
  numpy(name: string, spec: Readonly<Record<string, unknown>>): Entry;
  tfjsAdam(backend: TfjsBackend, shapes: Shapes): Entry;
  tfjsOurs(name: string, shapes: Shapes): Entry;
  jaxJsAdam(shapes: Shapes): Entry;
  mlMatrix(operation: string, n: number): Entry;
  /** The linear algebra libraries of the Python side. */
  libraries(): Promise<readonly string[]>;
  close(): void;
}

const ours = (name: string, task: string, backendName: string, block = 1): Entry => ({
  name,
  block,
  make: () => ownContender(task, backendName),
});

export function allPeers(backendName: string, python: Python | undefined): Peers {
  const torch = new TorchPeer(python);
  const more = new Map<number, TorchPeer>();
  const torchOn = (threads: number): TorchPeer => {
    if (threads === 1) return torch;
    const peer = more.get(threads) ?? new TorchPeer(python, threads);
    more.set(threads, peer);
    return peer;
  };
  const fma = new FmaProcess(backendName);
  return {
    ours: (name, task, block) => ours(name, task, backendName, block),
    fma: (task, block) => fma.entry(task, block),
    torch: (name, spec, block, threads = 1) => torchOn(threads).entry(name, 'torch', spec, block),
    numpy: (name, spec) => torch.entry(name, 'numpy', spec),
    tfjsAdam,
    tfjsOurs,
    jaxJsAdam,
    mlMatrix,
    libraries: () => torch.libraries(),
    close() {
      torch.close();
      for (const peer of more.values()) peer.close();
      fma.close();
    },
  };
}

/** Us alone; everybody else is named as missing, for this reason. */
export const noPeers = (backendName: string, why: string): Peers => ({
  ours: (name, task, block) => ours(name, task, backendName, block),
  fma: () => missing('ours (FMA)', why),
  torch: (name) => missing(name, why),
  numpy: (name) => missing(name, why),
  tfjsAdam: (backend) => missing(`tfjs-${backend} Adam`, why),
  tfjsOurs: (name) => missing(name, why),
  jaxJsAdam: () => missing('jax-js Adam', why),
  mlMatrix: () => missing('ml-matrix (f64)', why),
  libraries: () => Promise.resolve([]),
  close() {},
});
