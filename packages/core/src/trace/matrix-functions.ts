import type { Tensor } from './tensor.ts';

/**
 * Aᵖ of a symmetric positive semidefinite A from its eigendecomposition, V·diag((λ − min(0, λ_min) + ε)ᵖ)·Vᵀ: ½ is the square root, −¼ what
 * Shampoo multiplies by. `shift` is ε > 0, which keeps negative powers finite. In the precision of `eigen`: `A.wide().eigh()` where it matters.
 */
export function symmetricPower(
  eigen: { readonly values: Tensor; readonly vectors: Tensor },
  power: number,
  shift: Tensor | number,
): Tensor {
  const { values, vectors } = eigen;
  const batch = values.shape.slice(0, -1);
  const least = values.slice([...batch.map(() => 0), 0], [...batch, 1]).min(0);
  const root = vectors.mul(
    values
      .sub(least)
      .add(shift)
      .pow(power / 2)
      .reshape([...batch, 1, values.shape.at(-1) ?? 1]),
  );
  return root.matmul(root, { transposeB: true });
}
