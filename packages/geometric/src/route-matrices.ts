import { type About, own, printShape, type Shape, TransformError } from '@opt/core';
import type { Role } from './roles.ts';

/** What the words of a name say about a matrix. */
const words: readonly (readonly [Role, RegExp])[] = [
  ['embedding', /^(.*embed.*|wte|wpe|tok(en)?s?|pos(ition)?s?)$/],
  ['head', /^(.*head|logits?|classifier|unembed.*|output)$/],
  [
    'hidden',
    /^(attn|.*attention|query|key|value|qkv|[qkvo](_?proj)?|out_proj|c_attn|c_proj|c_fc|mlp|ffn|.*conv[0-9]*d?[0-9]*|hidden[0-9]*|blocks?|layers?|(up|down|gate)_proj)$/,
  ],
];

/**
 * Roles for models that must not be guessed at: `muon({ roles: routeMatrices({ 'fc3.weight': 'head' }) })`. Vectors, and matrices with a
 * side of 1, are biases or gains; kernels of rank ≥ 3 are hidden. A matrix can be a hidden layer, an embedding or a head, which its shape
 * does not tell: it goes by the role given, else by what its model says (`createOptimizer({ about })`; a `tf.Optimizer` of a layers model
 * says it), else by an unmistakable word in its name.
 *
 * @throws TransformError for a matrix that nothing tells about, and for a role that its shape cannot have
 */
export function routeMatrices(given: Readonly<Record<string, Role>> = {}): (name: string, shape: Shape, about?: About) => Role {
  return (name, shape, about = {}) => {
    const role = own(given, name) ?? about.role;
    const flat = shape.length < 2 || (shape.length === 2 && shape.includes(1));
    if (role !== undefined) {
      if (flat && role === 'hidden')
        throw new TransformError(
          `routeMatrices: the role of '${name}' must be 'bias' or 'norm' for shape ${printShape(shape)}, received 'hidden'`,
        );
      return role;
    }
    if (flat) return 'bias';
    const told = new Set(
      words
        .filter(([, pattern]) =>
          name
            .toLowerCase()
            .split(/[^a-z0-9_]+/)
            .some((word) => pattern.test(word)),
        )
        .map(([one]) => one),
    );
    // An attention block's head projection, a token embedding called output: only one meaning counts.
    const [only] = told;
    if (shape.length > 2 && (told.size === 0 || only === 'hidden')) return 'hidden';
    if (only !== undefined && told.size === 1) return only;
    const meanings = told.size === 0 ? 'a hidden matrix, an embedding or a head' : [...told].join(' or ');
    throw new TransformError(
      `routeMatrices: '${name}' ${printShape(shape)} may be ${meanings}; say which, such as routeMatrices({ '${name}': 'hidden' }) (or 'embedding', 'head')`,
    );
  };
}
