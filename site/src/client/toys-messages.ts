import type { Memory, Remembered } from '../toys/memory.ts';
import type { Ball } from '../toys/quadratic.ts';
import type { Descent } from '../toys/sphere.ts';

export type ToyRequest = { readonly kind: 'memory'; readonly memory: Memory } | { readonly kind: 'sphere'; readonly ball: Ball };

export type ToyReply =
  | { readonly kind: 'memory'; readonly found: readonly Remembered[] }
  | { readonly kind: 'sphere'; readonly found: readonly Descent[] };
