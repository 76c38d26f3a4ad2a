import { alongAxis, axisGram, type Shape, saturate, size, type Tensor } from '@opt/core';

/** The axes that have a basis, with what each is at the beginning of a call: its basis, and estimates e of its factor's eigenvalues. */
export type Sides = readonly { readonly axis: number; readonly Q: Tensor; readonly e: Tensor }[];

/** Eigenvalues are divided by: below this they count as this. */
const least = 1e-30;

/** A vector along one axis of a shape. */
const laid = (e: Tensor, shape: Shape, axis: number): Tensor => e.reshape([-1, ...shape.slice(axis + 1).map(() => 1)]);

/** Π_k e_k[i_k], in the coordinates; `largest` is that of working precision, here and below. */
export function products(sides: Sides, shape: Shape, largest: number): Tensor | undefined {
  return sides
    .map(({ axis, e }) => laid(e, shape, axis))
    .reduce<Tensor | undefined>((all, e) => (all === undefined ? e : all.mul(e).min(largest)), undefined);
}

/**
 * KL-Shampoo's factor of one axis (Lin et al. 2025), from all bases and eigenvalues as they are before the call:
 *
 *     A_k ← β A_k + (1−β)(d_k/N)·H₍k₎H₍k₎ᵀ,   H = G with every other axis l in its coordinates, divided by √e_l
 */
export function klFactor(G: Tensor, axis: number, sides: Sides, { beta, A, largest }: Average): Tensor {
  const others = sides.filter((one) => one.axis !== axis);
  const H = others.reduce((x, { axis: l, Q, e }) => alongAxis(x, l, Q, { transpose: true }).mul(laid(roots(e), x.shape, l)), G);
  const share = (G.shape[axis] ?? 1) / size(G.shape);
  const within = saturate(H, largest, 2, size(G.shape));
  return axisGram(within, axis, { alpha: beta.not().mul(share), add: A, beta });
}

/** An average that goes on. */
export interface Average {
  readonly beta: Tensor;
  readonly A: Tensor;
  readonly largest: number;
}

const roots = (e: Tensor): Tensor => e.max(least).sqrt().reciprocal();

/** e_k[i] ← β e_k[i] + (1−β)·mean over the other axes of Ĝ²/(e on the other axes), at least `floor`; for every axis, from the old ones. */
export function klEigenvalues(
  coordinates: Tensor,
  sides: Sides,
  { beta, floorOf, largest }: { readonly beta: Tensor; readonly floorOf: (d: number) => number; readonly largest: number },
): Map<number, Tensor> {
  const { shape } = coordinates;
  const white = sides.reduce((x, { axis, e }) => x.mul(laid(roots(e), shape, axis)), coordinates);
  const squares = saturate(white, largest, 2, size(shape)).square();
  return new Map(
    sides.map(({ axis, e }) => {
      const mean = squares.mean([...shape.keys()].filter((other) => other !== axis));
      return [
        axis,
        e
          .mul(beta)
          .add(mean.mul(e.max(least)).mul(beta.not()))
          .max(floorOf(shape[axis] ?? 1)),
      ];
    }),
  );
}
