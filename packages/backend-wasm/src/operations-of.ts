import type { Block } from '@opt/core';

/** Every operation of a block and of the loops inside it. */
export function operationsOf(block: Block): Set<string> {
  const used = new Set<string>();
  for (const { operation } of block.nodes) {
    used.add(operation.op);
    if (operation.op !== 'repeat') continue;
    for (const inner of [operation.body, operation.until]) if (inner !== undefined) for (const op of operationsOf(inner)) used.add(op);
  }
  return used;
}
