import { putTogether, takeApart } from '@opt/core';
import { linalg } from '@opt/linalg';

const { eigh } = linalg();

/**
 * A checkpoint of SOAP with every basis set to what a solver in float32 finds for its covariance: eigenvectors by falling eigenvalue,
 * nothing completed.
 */
export function withBasesInFloat32(checkpoint: Uint8Array): Uint8Array {
  const { metadata, tensors } = takeApart(checkpoint);
  for (const [key, covariance] of tensors) {
    if (!key.includes('.A')) continue;
    const basis = tensors.get(key.replace('.A', '.Q'));
    if (basis === undefined) throw new Error(`no basis beside '${key}' in the checkpoint`);
    const A = Float32Array.from(covariance.data);
    basis.data.set(eigenvectors(A, Math.sqrt(A.length)));
  }
  return putTogether({ metadata, tensors });
}

/** Columns by falling eigenvalue, where `eigh` has them rising. */
function eigenvectors(A: Float32Array, n: number): Float32Array {
  const { vectors } = eigh(A, n);
  return vectors.map((_, i) => vectors[i - (i % n) + n - 1 - (i % n)] ?? 0);
}
