import { own, type Precision, required, type Shape } from '@opt/core';
import type { Codec } from './codecs/codec.ts';
import type { Envelope, Seals } from './envelope.ts';
import { ContributionError } from './errors.ts';

/** What everybody must agree on before anything can be added up. */
export interface Layout {
  readonly codec: Codec;
  readonly precision: Precision;
  readonly shapes: Readonly<Record<string, Shape>>;
  /** Short for all of that, and for the options of the sum. */
  readonly digest: string;
}

/** What is due: one fragment of one turn. */
export interface Due {
  readonly turn: number;
  readonly fragment: number;
  /** In this order its tensors follow each other. */
  readonly names: readonly string[];
  /** SHA-256 of the common parameters of the fragment before the turn. */
  readonly state: string;
}

/** What a worker sent, found good. */
export interface Contribution {
  readonly worker: string;
  /** What it has learned from, ≥ 0. */
  readonly tokens: number;
  readonly seal: string;
  readonly payload: Uint8Array;
}

const mostTokens = 2 ** 53;
export const isWorkerName = (name: unknown): name is string => typeof name === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(name);

export const closeContribution = (
  seals: Seals,
  layout: Layout,
  { turn, fragment, state }: Due,
  { worker, tokens, payload }: Omit<Contribution, 'seal'>,
): Promise<Uint8Array> => seals.close('contribution', { worker, turn, fragment, state, layout: layout.digest, tokens }, payload);

export const payloadBytes = ({ codec, shapes, precision }: Layout, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + codec.bytes(required(shapes, name, 'parameter'), precision), 0);

/** The bytes of each tensor of a payload. */
export function tensorsOf({ codec, shapes, precision }: Layout, names: readonly string[], payload: Uint8Array): Map<string, Uint8Array> {
  let at = 0;
  return new Map(
    names.map((name) => {
      const from = at;
      at += codec.bytes(required(shapes, name, 'parameter'), precision);
      return [name, payload.subarray(from, at)];
    }),
  );
}

/** Looks a sealed contribution through, to the last value. @throws ContributionError that says what is wrong with it */
export function checkContribution({ header, payload, seal }: Envelope, layout: Layout, due: Due): Contribution {
  const told = (name: string): unknown => own(header, name);
  const [worker, tokens, turn] = [told('worker'), told('tokens'), told('turn')];
  const expect = (reason: ContributionError['reason'], what: string, expected: unknown, got: unknown): void => {
    if (expected !== got)
      throw new ContributionError(reason, `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)?.slice(0, 80)}`);
  };
  if (!isWorkerName(worker))
    throw new ContributionError('malformed', 'worker: expected a name of up to 64 letters, digits, ., _ and -, got another');
  expect(typeof turn === 'number' && turn < due.turn ? 'late' : 'another turn', 'turn', due.turn, turn);
  expect('another turn', 'fragment', due.fragment, told('fragment'));
  expect('another layout', 'layout', layout.digest, told('layout'));
  expect('another state', 'state', due.state, told('state'));
  if (typeof tokens !== 'number' || !(tokens >= 0 && tokens <= mostTokens))
    throw new ContributionError('tokens', `tokens: expected a number from 0 to 2^53, got ${JSON.stringify(tokens)?.slice(0, 80)}`);
  expect('size', 'payload', payloadBytes(layout, due.names), payload.length);
  for (const [name, bytes] of tensorsOf(layout, due.names, payload))
    layout.codec.decode(bytes, required(layout.shapes, name, 'parameter'), layout.precision);
  return { worker, tokens, seal, payload };
}
