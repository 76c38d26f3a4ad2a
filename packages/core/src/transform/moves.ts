import { own } from '../records.ts';
import { nodeOf, sameTensor } from '../trace/emit.ts';
import type { Tensors } from './transform.ts';

/**
 * A complaint about a stage that moves parameters where only a direction comes out again, so that the move would be lost; undefined
 * where nothing moved. `inside` says where that is, `remedy` what to write instead.
 */
export function lostMove(inside: string, before: Tensors, after: Tensors, remedy: string): string | undefined {
  for (const [owner, parameter] of Object.entries(before)) {
    const moved = own(after, owner);
    if (moved === undefined || sameTensor(moved, parameter)) continue;
    const stage = nodeOf(moved)?.origin.stage.split('/').at(-1);
    return `${inside}: stage '${stage ?? ''}' moves the parameter, and a move in here would be lost; put it outside: ${remedy}`;
  }
  return undefined;
}
