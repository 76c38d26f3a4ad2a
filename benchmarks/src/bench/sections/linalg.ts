import type { Comparison } from '../comparison.ts';
import type { Peers } from '../peers.ts';
import { gigaflopsAtLeast, ratioAtLeast, type Target } from '../target.ts';

const titles: Readonly<Record<string, string>> = {
  matmul: 'matmul f32',
  eigh: 'eigh f32',
  'eigh-f64': 'eigh f64',
  qr: 'QR f32',
  cholesky: 'Cholesky f32',
};

export const timedSizes: readonly (readonly [operation: string, n: number])[] = [
  ['matmul', 256],
  ['matmul', 512],
  ['matmul', 1024],
  ['eigh', 64],
  ['eigh', 128],
  ['eigh', 256],
  ['eigh', 512],
  ['eigh-f64', 128],
  ['qr', 128],
  ['qr', 256],
  ['qr', 512],
  ['cholesky', 256],
];

/** Products and factorisations, each called as its library is called. */
export const linalg = (peers: Peers, sizes: typeof timedSizes = timedSizes): readonly Comparison[] =>
  sizes.map(([operation, n]) => {
    const task = `linalg/${operation}/${n}`;
    const spec = { task: 'linalg', kind: operation, n };
    // numpy's QR computes in f64, whatever it is given.
    const numpy = operation === 'qr' ? 'numpy (f64 inside)' : 'numpy';
    return {
      section: 'linalg',
      title: `${titles[operation] ?? operation}, n = ${n}`,
      ours: 'ours',
      entries: [
        peers.ours('ours', task),
        peers.fma(task),
        peers.torch('torch (LAPACK)', spec),
        peers.numpy(numpy, spec),
        peers.mlMatrix(operation, n),
      ],
      ...(operation === 'matmul' && { work: { amount: (2 * n ** 3) / 1e9, unit: 'GFLOP/s' as const } }),
      targets: targets(operation, n),
    };
  });

function targets(operation: string, n: number): readonly Target[] {
  if (operation === 'matmul' && n === 512) {
    const flops = 2 * n ** 3;
    return [gigaflopsAtLeast('ours', flops, 25), gigaflopsAtLeast('ours (FMA)', flops, 32)];
  }
  const held = (operation === 'eigh' && (n === 64 || n === 128)) || (operation === 'qr' && (n === 128 || n === 256));
  return held ? [ratioAtLeast('torch (LAPACK)', 'ours', 0.9)] : [];
}
