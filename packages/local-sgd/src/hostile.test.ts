import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Seals } from './envelope.ts';
import { type Mailbox, memoryMailbox, type Reason, table, type Worker } from './index.ts';
import { make, train } from './testing/workers.ts';

/** In CI a few hundred; `HOSTILE=10000` for more. */
const wanted = Number(process.env['HOSTILE'] ?? 300);
const turns = 10;
const perTurn = Math.ceil(wanted / turns);
const options = { codec: table({ bins: 16, per: 'row' }), workers: 2, syncEvery: 1, secret: 'known to workers' } as const;

type Make = (good: Uint8Array, turn: number, draw: (below: number) => number) => Promise<Uint8Array> | Uint8Array;

/** Whoever knows the secret and does wrong all the same, or has a fault. */
async function resealed(
  good: Uint8Array,
  change: (header: Record<string, unknown>, payload: Uint8Array) => Uint8Array,
  run = 'test',
  secret: string = options.secret,
): Promise<Uint8Array> {
  const ours = await Seals.make('test', options.secret);
  const { header, payload } = await ours.open('contribution', good);
  const { run: _, payload: _length, ...content } = header;
  const changed = { ...content, worker: 'mallory' };
  const bytes = change(changed, payload.slice());
  return (await Seals.make(run, secret)).close('contribution', changed, bytes);
}

const withHeader =
  (content: Readonly<Record<string, unknown>>): Make =>
  (good) =>
    resealed(good, (header, payload) => {
      Object.assign(header, content);
      return payload;
    });

/** Each way to be hostile, and what it is to be called. */
const ways: readonly [Reason | readonly Reason[], Make][] = [
  ['torn', (good, _, draw) => good.subarray(0, draw(good.length))],
  ['foreign', (_, _turn, draw) => Uint8Array.from({ length: 40 + draw(300) }, () => draw(256))],
  ['torn', (good) => Uint8Array.from([...good.subarray(0, 4), 255, 255, 255, 255, ...good.subarray(8)])],
  ['torn', (good) => Uint8Array.from([...good, 0])],
  // One bit anywhere: in the magic, the length, the header, the payload or the seal.
  [
    ['foreign', 'torn', 'checksum', 'another run'],
    (good, _, draw) => {
      const bytes = good.slice();
      const at = draw(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << draw(8));
      return bytes;
    },
  ],
  ['another run', (good) => resealed(good, (_header, payload) => payload, 'another')],
  ['checksum', (good) => resealed(good, (_header, payload) => payload, 'test', 'a guess')],
  ['size', (good, _, draw) => resealed(good, (_header, payload) => payload.subarray(0, draw(payload.length)))],
  ['size', (good) => resealed(good, (_header, payload) => Uint8Array.from([...payload, 1]))],
  // The table of the first row.
  ['not finite', (good) => resealed(good, (_header, payload) => payload.fill(255, 0, 4))],
  ['not finite', (good) => resealed(good, (_header, payload) => Uint8Array.from([0, 0, 128, 127, ...payload.subarray(4)]))],
  ['tokens', withHeader({ tokens: -1 })],
  ['tokens', withHeader({ tokens: 1e300 })],
  ['tokens', withHeader({ tokens: Number.NaN })],
  ['tokens', withHeader({ tokens: '1' })],
  ['malformed', withHeader({ worker: '../../etc' })],
  ['malformed', withHeader({ worker: ['w0'] })],
  ['another layout', withHeader({ layout: 'f'.repeat(16) })],
  ['another state', withHeader({ state: '0'.repeat(64) })],
  ['another turn', withHeader({ fragment: 1 })],
  ['another turn', (good, turn) => withHeader({ turn: turn + 1 })(good, turn, () => 0)],
  ['late', (good, turn) => withHeader({ turn: turn - 1 })(good, turn, () => 0)],
  ['duplicate', (good) => good],
];

/** A mailbox into which hostile postings come beside a worker's good ones. */
function attacked(inner: Mailbox, expected: Map<string, number>, seed: number): Mailbox {
  const draws = fc.sample(fc.nat(2 ** 30), { seed, numRuns: 20_000 });
  let at = 0;
  const draw = (below: number): number => (draws[at++ % draws.length] ?? 0) % below;
  return {
    ...inner,
    async post(turn, bytes) {
      if (turn >= turns) return inner.post(turn, bytes);
      for (let i = 0; i < perTurn / 2; i++) {
        const [reason, way] = ways[(turn * perTurn + i) % ways.length] ?? ways[0] ?? ['torn', () => bytes];
        await inner.post(turn, await way(bytes, turn, draw));
        const name = typeof reason === 'string' ? reason : 'one of several';
        expected.set(name, (expected.get(name) ?? 0) + 1);
      }
      await inner.post(turn, bytes);
    },
  };
}

async function run(mailbox: (k: number) => Mailbox): Promise<{ readonly digests: string[]; readonly workers: readonly Worker[] }> {
  const workers = await Promise.all([0, 1].map((k) => make(k, { ...options, mailbox: mailbox(k) })));
  const digests: string[] = [];
  await Promise.all(workers.map((worker, k) => train(worker, k, turns + 1, (turn, digest) => digests.push(`${turn} ${digest}`))));
  return { digests: digests.sort(), workers };
}

describe('hostile contributions', () => {
  it(`${wanted} of ${ways.length} kinds change no replica, and each is counted and named`, async () => {
    const clean = memoryMailbox();
    const { digests } = await run(() => clean);
    const [inner, expected] = [memoryMailbox(), new Map<string, number>()];
    const attack = await run((k) => attacked(inner, expected, 18 + k));
    expect(attack.digests).toEqual(digests);
    const posted = [...expected.values()].reduce((a, b) => a + b);
    expect(posted).toBeGreaterThanOrEqual(wanted);
    for (const { tally } of attack.workers) {
      const { refused } = tally;
      expect(Object.values(refused).reduce((a, b) => a + b)).toBe(posted);
      for (const reason of [
        'size',
        'not finite',
        'tokens',
        'malformed',
        'another layout',
        'another state',
        'another turn',
        'late',
        'duplicate',
      ] as const)
        expect([reason, refused[reason]]).toEqual([reason, expected.get(reason)]);
      expect(tally.counted).toBe(turns + 1);
      expect(tally.refusals.every(({ who, message }) => who !== '' && message.length > 10)).toBe(true);
    }
  });
});
