import type { About } from '@opt/core';
import { type Tensor, Variable } from '@tensorflow/tfjs-core';

/** What is read of a layer of tfjs-layers 4.22. */
export interface LayerOfModel {
  getClassName(): string;
  readonly weights: readonly { readonly originalName: string; read(): Tensor }[];
  readonly inboundNodes: readonly { readonly inboundLayers: readonly LayerOfModel[] }[];
  /** Of a model inside the model. */
  readonly outputs?: readonly { readonly sourceLayer: LayerOfModel }[];
}

/** A `tf.LayersModel`, as far as it says what its variables are. */
export interface LayersOfModel {
  readonly layers: readonly LayerOfModel[];
  readonly outputs: readonly { readonly sourceLayer: LayerOfModel }[];
}

type Role = NonNullable<About['role']>;

/**
 * What each variable of a model is, by the layer it belongs to, whatever its name: tables of embeddings; the matrices that give the
 * outputs (of the last layers that have any, unless they are recurrent): heads; biases; gains, among them filters that meet one channel each;
 * every other matrix and kernel is hidden. Kernels of transposed convolutions are [k…, out, in], all others [k…, in, out].
 */
export function aboutLayers({ layers, outputs }: LayersOfModel): Map<Variable, About> {
  const heads = new Set<Tensor>();
  for (const { sourceLayer } of outputs) gatherHeads(sourceLayer, heads, new Set());
  const about = new Map<Variable, About>();
  for (const layer of layers) {
    const layout = /^Conv[23]DTranspose$/.test(layer.getClassName()) ? 'taps-out-in' : 'in-out';
    for (const weight of layer.weights) {
      const variable = weight.read();
      if (!(variable instanceof Variable)) continue;
      about.set(variable, { layout, role: heads.has(variable) ? 'head' : roleOf(weight.originalName, variable) });
    }
  }
  return about;
}

function roleOf(name: string, { rank }: Tensor): Role {
  const word = wordOf(name);
  if (word === 'embeddings') return 'embedding';
  if (word === 'depthwise_kernel' || word === 'gamma' || word === 'alpha') return 'norm';
  return rank < 2 ? 'bias' : 'hidden';
}

const wordOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/** From the outputs backwards, to the first layers that have matrices. */
function gatherHeads(layer: LayerOfModel, heads: Set<Tensor>, seen: Set<LayerOfModel>): void {
  if (seen.has(layer)) return;
  seen.add(layer);
  if (layer.outputs !== undefined) {
    for (const { sourceLayer } of layer.outputs) gatherHeads(sourceLayer, heads, seen);
    return;
  }
  const matrices = layer.weights.filter((weight) => weight.read().rank >= 2);
  if (matrices.length === 0) {
    for (const { inboundLayers } of layer.inboundNodes) for (const before of inboundLayers) gatherHeads(before, heads, seen);
    return;
  }
  if (matrices.some(({ originalName }) => wordOf(originalName) === 'recurrent_kernel')) return;
  for (const weight of matrices) if (wordOf(weight.originalName) !== 'embeddings') heads.add(weight.read());
}
