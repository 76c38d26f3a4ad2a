import type { Block, Node } from '@opt/core';
import { isFactorization } from '@opt/linalg';

/** The first operation of a program that tfjs lacks, loops included. */
export function firstFactorization(block: Block): Node | undefined {
  for (const node of block.nodes) {
    const { operation } = node;
    if (isFactorization(operation)) return node;
    if (operation.op !== 'repeat') continue;
    const inside = firstFactorization(operation.body) ?? (operation.until && firstFactorization(operation.until));
    if (inside !== undefined) return inside;
  }
  return undefined;
}
