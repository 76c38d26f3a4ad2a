import type { JsTree } from '@jax-js/jax';
import { advice, describe, isPlain, TransformError } from '@opt/core';
import type { JaxArray } from './jax.ts';
import { isArray } from './variable.ts';

/** Parameters as jax-js has them: an array, or arrays and objects of such, to any depth. */
export type ArrayTree = JsTree<JaxArray>;

/** The arrays of a tree by name, in the order of `tree.flatten`: `layers/0/weight`. A tree that is one array has the name `value`. */
export function namedLeaves(tree: ArrayTree): Map<string, JaxArray> {
  const leaves = new Map<string, JaxArray>();
  const visit = (node: ArrayTree | undefined, path: string): void => {
    if (isArray(node)) {
      const name = path === '' ? 'value' : path;
      if (leaves.has(name)) throw new TransformError(`toOptax: two arrays of the tree are called '${name}'`);
      leaves.set(name, node);
    } else if (Array.isArray(node) || isPlain(node)) {
      for (const [key, child] of Object.entries(node)) visit(child, path === '' ? key : `${path}/${key}`);
    } else throw new TransformError(`toOptax: '${path}' must be an array of jax-js, received ${describe(node)}${advice(node)}`);
  };
  visit(tree, '');
  return leaves;
}
