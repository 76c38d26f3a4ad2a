/// <reference lib="dom" preserve="true" />
import type { Place } from './dispatch.ts';
import { type Host, workOf } from './host.ts';
import type { Bound, Item } from './link.ts';
import { readBack } from './memory.ts';
import type { Pipelines } from './pipelines.ts';
import { found } from './plan/found.ts';
import type { Region } from './plan/region.ts';
import type { Scratch } from './scratch.ts';
import type { Timer } from './timer.ts';
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

/** Commands of one submission, or what the host does between two. */
type Stage = { readonly kind: 'device'; readonly commands: readonly Command[] } | Extract<Item, { readonly kind: 'host' }>;

/** Dispatches with everything they bind; a run writes the host scalars and submits one command buffer, or several with host work between. */
export class Commands {
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  readonly #scratch: Scratch;
  readonly #items: readonly Item[];
  readonly #tables: GPUBuffer | undefined;
  readonly #hosts: GPUBuffer;
  readonly #scalars: Float32Array<ArrayBuffer>;
  /** Whether a shader reads host scalars, or the number of the run. */
  readonly #hosted: boolean;
  #generation = -1;
  #stages: readonly Stage[] = [];
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
    this.#hosted = readHosts(items);
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

  /** Work that is all the device's: submitted when this returns. */
  run(scalars: Float64Array, timer?: Timer): void {
    this.#begin(scalars);
    for (const stage of this.#stages) if (stage.kind === 'device') this.#submit(stage.commands, timer);
  }

  /** The same where the host may have its share. `read` is told of every tensor that is read back. */
  async runWaiting(scalars: Float64Array, host: Host, timer: Timer | undefined, read: () => void): Promise<void> {
    this.#begin(scalars);
    for (const stage of this.#stages) {
      if (stage.kind === 'device') {
        this.#submit(stage.commands, timer);
        continue;
      }
      const operands: Float32Array<ArrayBuffer>[] = [];
      for (const region of stage.inputs) {
        const { buffer, offset, size } = this.#place(region);
        operands.push(await readBack(this.#device, buffer, offset, size));
        read();
      }
      const result = await host.factorize(workOf(stage.value, operands));
      const { buffer, offset } = this.#place(stage.output);
      this.#device.queue.writeBuffer(buffer, offset, result);
    }
  }

  dispose(): void {
    this.#tables?.destroy();
    this.#hosts.destroy();
  }

  #begin(scalars: Float64Array): void {
    if (this.#generation !== this.#scratch.generation) this.#bind();
    if (!this.#hosted) return;
    // The number of the run, which flags are raised with, comes first.
    this.#scalars[0] = this.#scratch.nextRun();
    this.#scalars.set(scalars, 1);
    this.#device.queue.writeBuffer(this.#hosts, 0, this.#scalars);
  }

  #submit(commands: readonly Command[], timer: Timer | undefined): void {
    const encoder = this.#device.createCommandEncoder();
    const timestampWrites = timer?.pass();
    const pass = encoder.beginComputePass(timestampWrites === undefined ? {} : { timestampWrites });
    encode(pass, commands);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  #bind(): void {
    this.#generation = this.#scratch.generation;
    const stages: Stage[] = [];
    const all: Command[] = [];
    let commands: Command[] | undefined;
    for (const item of this.#items) {
      if (item.kind === 'host') {
        stages.push(item);
        commands = undefined;
        continue;
      }
      if (commands === undefined) {
        commands = [];
        stages.push({ kind: 'device', commands });
      }
      const own = this.#command(item);
      commands.push(...own);
      all.push(...own);
    }
    this.#stages = stages;
    this.dispatches = total(all, () => 1);
    this.bytes = total(all, ({ bytes }) => bytes);
  }

  #command(item: Exclude<Item, { readonly kind: 'host' }>): Command[] {
    if (item.kind === 'loop')
      return [
        { kind: 'loop', times: item.times, round: item.round.flatMap((inner) => (inner.kind === 'host' ? [] : this.#command(inner))) },
      ];
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
    if (bound === 'flags') return found(this.#scratch.flags, 'the memory of flags');
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

const readHosts = (items: readonly Item[]): boolean =>
  items.some((item) => (item.kind === 'loop' ? readHosts(item.round) : item.kind === 'shader' && item.hosts));

const total = (commands: readonly Command[], of: (command: Extract<Command, { kind: 'dispatch' }>) => number): number =>
  commands.reduce((sum, command) => sum + (command.kind === 'loop' ? command.times * total(command.round, of) : of(command)), 0);
