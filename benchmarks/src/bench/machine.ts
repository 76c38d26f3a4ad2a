import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { fmaSupported } from '@opt/linalg';
import { backendMaker } from '../backends.ts';
import { fields } from './line-process.ts';
import type { Python } from './python.ts';

/** Where and with what a result was measured. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly loadBefore: number;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
  readonly backend: string;
  readonly precision: string;
  /** Of every contender. */
  readonly threads: 1;
  /** Whether our own process has fused multiply-add without a flag. */
  readonly fma: boolean;
  readonly python: string | null;
  readonly torch: string | null;
  readonly numpy: string | null;
  /** What does the linear algebra of torch and numpy. */
  readonly libraries: readonly string[];
  /** Versions of the JavaScript peers. */
  readonly peers: Readonly<Record<string, string>>;
}

export async function describeMachine(backendName: string, python: Python | undefined, libraries: readonly string[]): Promise<Machine> {
  const backend = await backendMaker(backendName)?.();
  const precision = backend?.precision ?? 'f32';
  backend?.dispose();
  return {
    date: new Date().toISOString(),
    cpu: cpuName(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: loadavg()[0] ?? 0,
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    backend: backendName,
    precision,
    threads: 1,
    fma: fmaSupported(),
    python: python?.version ?? null,
    torch: python?.torch ?? null,
    numpy: python?.numpy ?? null,
    libraries,
    peers: peerVersions(),
  };
}

const cpuName = (): string => cpus()[0]?.model.trim() ?? 'unknown';

/** The exact versions that our own package.json asks for. */
function peerVersions(): Readonly<Record<string, string>> {
  const manifest = fields(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
  const versions = Object.entries(fields(manifest['dependencies'])).map(([name, version]) => [name, String(version)] as const);
  return Object.fromEntries(versions.filter(([name]) => /tfjs|jax|ml-matrix/.test(name)));
}

export const heading = (machine: Machine): string => {
  const { cpu, cores, node, torch, numpy, python, libraries, backend, precision, fma, platform, date, loadBefore } = machine;
  const blas = libraries.length === 0 ? '' : ` (${libraries.join(', ')})`;
  const peer =
    python === null
      ? 'no python3 with torch or numpy'
      : `Python ${python}, torch ${torch ?? 'missing'}, numpy ${numpy ?? 'missing'}${blas}`;
  return [
    `${cpu}, ${cores} cores, load ${loadBefore.toFixed(1)}; ${platform}; Node ${node}; ${date}`,
    `${peer}; ${Object.entries(machine.peers)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `backend ${backend}, ${precision}, ${backend === 'onnx' ? 'as many threads as a title says' : 'one thread everywhere'}, fused multiply-add ${fma ? 'on' : 'off unless a row says FMA'}`,
  ].join('\n');
};

/** The kind of machine, as results are called. */
export const machineKind = (): string => `node${process.versions.node.split('.')[0]}-${process.arch}`;
