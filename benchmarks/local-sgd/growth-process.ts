import { wasm } from '@opt/backend-wasm';
import { type Codec, chunkedTopK, createWorker, memoryMailbox, none, table } from '@opt/local-sgd';
import { sgd } from '@opt/transforms';

export type CodecName = 'none' | 'table' | 'two-bits' | 'sparse';

export interface GrowthOrder {
  readonly codec: CodecName;
  readonly parameters: number;
  readonly workers: number;
  /** Whether only the codec is run, tensor after tensor. */
  readonly alone: boolean;
}

export interface Growth {
  readonly sent: number;
  /** By each worker, its own included. */
  readonly received: number;
  /** Of each worker: what the codec alone takes for its own contribution, and one of another. */
  readonly encodeSeconds: number;
  readonly decodeSeconds: number;
  /** Of each worker, everything that is not its inner steps; absent for a codec alone. */
  readonly roundSeconds?: number;
  /** Most that the process had in memory. */
  readonly memory: number;
}

const codecs: Readonly<Record<CodecName, () => Codec>> = {
  none,
  table: () => table({ bins: 16 }),
  'two-bits': () => table({ bins: 4 }),
  sparse: () => chunkedTopK({ chunkSize: 64, keepPerChunk: 128, values: 'statistical', vectorKeep: 'proportional' }),
};

const rows = 100;
/** The largest tensor: a model of more has several. */
const largest = 10_000_000;

const noise = (length: number): Float32Array => {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  });
};

const timed = <T>(call: () => T): { readonly seconds: number; readonly result: T } => {
  const start = process.cpuUsage();
  const result = call();
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, result };
};

/** Seconds of one core, which others on the machine do not change. */
async function grow({ codec: name, parameters, workers: count, alone }: GrowthOrder): Promise<Growth> {
  const codec = codecs[name]();
  const n = Math.min(parameters, largest);
  const shape = [rows, n / rows];
  const x = noise(n);
  if (n <= 1_000_000) codec.decode(codec.encode(x, shape), shape, 'f32');
  const encoding = timed(() => codec.encode(x, shape));
  const decoding = timed(() => codec.decode(encoding.result, shape, 'f32'));
  const tensors = parameters / n;
  const spent = {
    encodeSeconds: tensors * encoding.seconds,
    decodeSeconds: tensors * decoding.seconds,
  };
  if (alone) {
    const sent = tensors * encoding.result.length;
    return { sent, received: count * sent, ...spent, memory: memory() };
  }
  const mailbox = memoryMailbox();
  const workers = await Promise.all(
    Array.from({ length: count }, (_, k) =>
      createWorker({
        ...{ transform: sgd({ learningRate: 1 }), parameters: { w: { shape, data: x } }, backend: wasm(), mailbox },
        ...{ run: 'growth', worker: `w${k}`, workers: count, codec, syncEvery: 1 },
      }),
    ),
  );
  const round = async (): Promise<unknown> => Promise.all(workers.map((worker) => worker.step({ w: x })));
  // The first compiles.
  await round();
  const start = process.cpuUsage();
  const before = workers[0]?.tally.received ?? 0;
  await round();
  const { user, system } = process.cpuUsage(start);
  const { sent = 0, received = 0 } = workers[0]?.tally ?? {};
  return { sent: sent / 2, received: received - before, ...spent, roundSeconds: (user + system) / 1e6 / count, memory: memory() };
}

/** Bytes; Linux counts in kilobytes. */
const memory = (): number => process.resourceUsage().maxRSS * 1024;

process.once('message', (order: GrowthOrder) => {
  grow(order).then(
    (growth) => process.send?.({ growth }, () => process.exit()),
    (error: unknown) => process.send?.({ error: String(error) }, () => process.exit()),
  );
});
