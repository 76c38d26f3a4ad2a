import type { Shape } from '@opt/core';
import type { Kernel } from './fusion.ts';
import type { Handing, Producers } from './handed.ts';
import type { Turn } from './planned.ts';
import { productsOf } from './products.ts';
import { aliased, constantOf, operand, type Type, type Value } from './values.ts';

/** A matrix product, as somebody who might compute it sees it: α·op(a)·op(b) + β·c over the last two axes. */
export interface ProductSignature {
  readonly a: Shape;
  readonly b: Shape;
  readonly shape: Shape;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** undefined: known only when the program runs. */
  readonly alpha: number | undefined;
  /** 0: there is no c. */
  readonly beta: number | undefined;
  readonly symmetric: boolean;
  readonly type: Type;
  readonly multiplyAdds: number;
}

/** Which matrix products somebody else computes. */
export interface HandingOptions {
  takes(product: ProductSignature): boolean;
  /** Multiply-adds at which what is handed over together is enough. */
  readonly enough: number;
}

/** How a program is cut for somebody who computes some of its matrix products. */
export const handing = (options: HandingOptions): Handing => ({
  turns: (order, producers) => turnsOf(order, producers, options),
  products: productsOf,
});

/**
 * Cuts kernels, given in a possible order, into turns. Kernels to be handed over that take each other's results go together, and
 * so do others until they are enough work: a change of hands costs as much as a small product.
 */
function turnsOf(order: readonly Kernel[], producers: Producers, options: HandingOptions): readonly Turn[] {
  const groupOf = grouped(order, producers, options);
  const turns: { readonly kernels: Kernel[]; readonly handed: boolean }[] = [{ kernels: [], handed: false }];
  const done = new Set<Kernel>();
  const visit = (kernel: Kernel): void => {
    if (done.has(kernel)) return;
    const group = groupOf.get(kernel);
    const together = group ?? [kernel];
    for (const one of together) done.add(one);
    for (const one of together) for (const [earlier] of dependencies(one, producers)) visit(earlier);
    if (group !== undefined) turns.push({ kernels: [...group], handed: true }, { kernels: [], handed: false });
    else turns.at(-1)?.kernels.push(kernel);
  };
  for (const kernel of order) visit(kernel);
  return turns;
}

interface Group {
  readonly kernels: Kernel[];
  /** Among the groups of its round. */
  readonly index: number;
  work: number;
}

/** The group of every kernel that is handed over, each in a possible order. */
function grouped(order: readonly Kernel[], producers: Producers, options: HandingOptions): ReadonlyMap<Kernel, readonly Kernel[]> {
  const groupOf = new Map<Kernel, Group>();
  // How often hands have changed before a kernel can start: what depends on a group, other than as part of it, comes after it.
  const rounds = new Map<Kernel, number>();
  const groups = new Map<number, Group[]>();
  for (const kernel of order) {
    const product = productOf(kernel, options);
    let round = 0;
    for (const [earlier, whole] of dependencies(kernel, producers)) {
      const waits = groupOf.has(earlier) && !(product !== undefined && whole);
      round = Math.max(round, (rounds.get(earlier) ?? 0) + (waits ? 1 : 0));
    }
    rounds.set(kernel, round);
    if (product === undefined) continue;
    const here = groups.get(round) ?? [];
    groups.set(round, here);
    // With the latest group whose results it takes; or else with the last one, while that is not enough.
    let index = -1;
    for (const [earlier] of dependencies(kernel, producers))
      if (rounds.get(earlier) === round) index = Math.max(index, groupOf.get(earlier)?.index ?? -1);
    const last = here.at(-1);
    const group = here[index] ?? (last !== undefined && last.work < options.enough ? last : { kernels: [], index: here.length, work: 0 });
    if (group.index === here.length) here.push(group);
    group.kernels.push(kernel);
    group.work += product.multiplyAdds;
    groupOf.set(kernel, group);
  }
  return new Map([...groupOf].map(([kernel, { kernels }]) => [kernel, kernels]));
}

function productOf({ work }: Kernel, { takes }: HandingOptions): ProductSignature | undefined {
  if (work.kind !== 'call') return undefined;
  const { operation, inputs, shape, size, symmetric, type } = work.value;
  if (operation.op !== 'matmul') return undefined;
  const { transposeA, transposeB } = operation;
  const [a, b] = [operand(work.value, 0).shape, operand(work.value, 1).shape];
  const alpha = constantOf(operand(work.value, 2));
  const beta = inputs.length > 3 ? constantOf(operand(work.value, 4)) : 0;
  const multiplyAdds = size * (a.at(transposeA ? -2 : -1) ?? 1);
  const product = { a, b, shape, transposeA, transposeB, alpha, beta, symmetric, type, multiplyAdds };
  return takes(product) ? product : undefined;
}

/** Kernels that must come before, and whether what is taken from each is its whole result. */
function* dependencies(kernel: Kernel, producers: Producers): Generator<readonly [kernel: Kernel, whole: boolean]> {
  const { work } = kernel;
  for (const value of kernel.reads) {
    const whole = work.kind === 'call' && work.value.inputs.every((input) => holdsWhole(input, value));
    for (const producer of producers.get(value) ?? []) if (producer !== kernel) yield [producer, whole];
  }
  for (const earlier of kernel.after) yield [earlier, false];
}

/** Whether an operand, where it lies in `holder`, is all of it. */
const holdsWhole = (input: Value, holder: Value): boolean =>
  aliased(input, (at) => at === holder).value !== holder || input.size === holder.size;
