/// <reference lib="dom" preserve="true" />
import type { Place } from './dispatch.ts';
import type { Bound, Item } from './link.ts';
import type { Pipelines } from './pipelines.ts';
import { found } from './plan/found.ts';
import type { Region } from './plan/region.ts';
import type { Scratch } from './scratch.ts';
import { usage } from './usage.ts';

type Command =
  | {
      readonly kind: 'dispatch';
      readonly pipeline: GPUComputePipeline;
      readonly group: GPUBindGroup;
      readonly workgroups: readonly [number, number, number];
      readonly bytes: number;
    }
  | { readonly kind: 'loop'; readonly times: number; readonly round: readonly Command[] };

/** Dispatches with everything they bind; a run writes the host scalars and submits one command buffer. */
export class Commands {
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  readonly #scratch: Scratch;
  readonly #items: readonly Item[];
  readonly #tables: GPUBuffer | undefined;
  readonly #hosts: GPUBuffer;
  readonly #scalars: Float32Array<ArrayBuffer>;
  #generation = -1;
  #commands: readonly Command[] = [];
  /** Dispatches of one run, and the bytes they move. */
  dispatches = 0;
  bytes = 0;

  constructor(
    device: GPUDevice,
    pipelines: Pipelines,
    scratch: Scratch,
    items: readonly Item[],
    tables: Uint32Array<ArrayBuffer>,
    hosts: number,
  ) {
    this.#device = device;
    this.#pipelines = pipelines;
    this.#scratch = scratch;
    this.#items = items;
    if (tables.length > 0) {
      this.#tables = device.createBuffer({ label: 'opt tables', size: tables.byteLength, usage: usage.uniform | usage.copyTarget });
      device.queue.writeBuffer(this.#tables, 0, tables);
    }
    this.#scalars = new Float32Array(hosts);
    this.#hosts = device.createBuffer({ label: 'opt host scalars', size: 4 * hosts, usage: usage.uniform | usage.copyTarget });
    this.#bind();
  }

  /** GPU buffers of its own. */
  get buffers(): number {
    return this.#tables === undefined ? 1 : 2;
  }

  run(scalars: Float64Array, timestamps?: GPUComputePassTimestampWrites): void {
    if (this.#generation !== this.#scratch.generation) this.#bind();
    if (scalars.length > 0) {
      this.#scalars.set(scalars);
      this.#device.queue.writeBuffer(this.#hosts, 0, this.#scalars);
    }
    if (this.#commands.length === 0) return;
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass(timestamps === undefined ? {} : { timestampWrites: timestamps });
    encode(pass, this.#commands);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  dispose(): void {
    this.#tables?.destroy();
    this.#hosts.destroy();
  }

  #bind(): void {
    this.#generation = this.#scratch.generation;
    this.#commands = this.#items.flatMap((item) => this.#command(item));
    this.dispatches = total(this.#commands, () => 1);
    this.bytes = total(this.#commands, ({ bytes }) => bytes);
  }

  #command(item: Item): Command[] {
    const { times } = item.kind === 'loop' ? item : { times: 1 };
    if (item.kind === 'loop') return [{ kind: 'loop', times, round: item.round.flatMap((inner) => this.#command(inner)) }];
    if (item.kind === 'factorization') {
      return item
        .dispatches((region) => this.#place(region))
        .map(({ wgsl, bindings, workgroups }) => {
          const { pipeline, layout } = this.#pipelines.get(wgsl, bindings.length, 0);
          const entries = bindings.map((resource, binding) => ({ binding, resource }));
          const bytes = bindings.reduce((sum, { size }) => sum + size, 0);
          return { kind: 'dispatch', pipeline, group: this.#device.createBindGroup({ layout, entries }), workgroups, bytes };
        });
    }
    const { wgsl, storages, table, hosts, workgroups, bytes } = item;
    const { pipeline, layout } = this.#pipelines.get(wgsl, storages.length, hosts ? 2 : 1);
    const resources: GPUBufferBinding[] = [
      ...storages.map((bound) => ({ buffer: this.#buffer(bound) })),
      { buffer: found(this.#tables, 'the tables'), offset: table.offset, size: table.bytes },
      ...(hosts ? [{ buffer: this.#hosts }] : []),
    ];
    const group = this.#device.createBindGroup({ layout, entries: resources.map((resource, binding) => ({ binding, resource })) });
    return [{ kind: 'dispatch', pipeline, group, workgroups, bytes }];
  }

  #buffer(bound: Bound): GPUBuffer {
    return typeof bound === 'number' ? found(this.#scratch.part(bound), 'a part of scratch') : bound.gpu;
  }

  #place(region: Region): Place {
    const { gpu, start } = this.#scratch.at(region.start);
    return { buffer: found(gpu, 'a part of scratch'), offset: region.start - start, size: Math.max(4, region.bytes) };
  }
}

function encode(pass: GPUComputePassEncoder, commands: readonly Command[]): void {
  for (const command of commands) {
    if (command.kind === 'loop') {
      for (let round = 0; round < command.times; round++) encode(pass, command.round);
      continue;
    }
    pass.setPipeline(command.pipeline);
    pass.setBindGroup(0, command.group);
    const [x, y, z] = command.workgroups;
    pass.dispatchWorkgroups(x, y, z);
  }
}

const total = (commands: readonly Command[], of: (command: Extract<Command, { kind: 'dispatch' }>) => number): number =>
  commands.reduce((sum, command) => sum + (command.kind === 'loop' ? command.times * total(command.round, of) : of(command)), 0);
