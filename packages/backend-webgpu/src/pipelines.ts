/// <reference lib="dom" preserve="true" />
import { computeStage } from './usage.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Pipelines by their text: each is made once in the life of a backend. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get count(): number {
    return this.#pipelines.size;
  }

  /** A pipeline whose bindings are `storages` storage buffers, then `uniforms` uniform ones. */
  get(wgsl: string, storages: number, uniforms: number): Pipeline {
    const known = this.#pipelines.get(wgsl);
    if (known !== undefined) return known;
    const layout = this.#layout(storages, uniforms);
    const pipeline = this.#device.createComputePipeline({
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: this.#device.createShaderModule({ code: wgsl }), entryPoint: 'main' },
    });
    const made = { pipeline, layout };
    this.#pipelines.set(wgsl, made);
    return made;
  }

  #layout(storages: number, uniforms: number): GPUBindGroupLayout {
    const key = `${storages} ${uniforms}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const made = this.#device.createBindGroupLayout({
      entries: Array.from({ length: storages + uniforms }, (_, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type: binding < storages ? 'storage' : 'uniform' },
      })),
    });
    this.#layouts.set(key, made);
    return made;
  }
}
