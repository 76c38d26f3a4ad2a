import { ContributionError } from './errors.ts';

/** Says what follows is ours, and in which version. */
const magic = { contribution: 'LSC1', commit: 'LSR1' } as const;
export type Kind = keyof typeof magic;

const [headerAt, sealLength] = [8, 32];
/** A record names everybody who counted: some ten thousand at most. */
const longestHeader: Readonly<Record<Kind, number>> = { contribution: 4096, commit: 2 ** 20 };
/** What the envelope of a contribution adds to its payload at most. */
export const envelopeBytes: number = headerAt + longestHeader.contribution + sealLength;

export interface Envelope {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Uint8Array;
  /** The seal in hexadecimal: different for whatever is different inside. */
  readonly seal: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** HMAC-SHA-256 with the secret of a run: who does not know it can post nothing that counts, and nothing can be changed on its way. */
export class Seals {
  private readonly key: Key;
  private readonly run: string;

  private constructor(run: string, key: Key) {
    this.run = run;
    this.key = key;
  }

  static async make(run: string, secret: string): Promise<Seals> {
    const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
      'verify',
    ]);
    return new Seals(run, key);
  }

  /** magic · length of the header · header as JSON · payload · seal of all that. */
  async close(kind: Kind, content: Readonly<Record<string, unknown>>, payload: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    const header = new TextEncoder().encode(JSON.stringify({ run: this.run, payload: payload.length, ...content }));
    const end = headerAt + header.length + payload.length;
    const bytes = new Uint8Array(end + sealLength);
    bytes.set(new TextEncoder().encode(magic[kind]));
    new DataView(bytes.buffer).setUint32(4, header.length, true);
    bytes.set(header, headerAt);
    bytes.set(payload, headerAt + header.length);
    bytes.set(new Uint8Array(await crypto.subtle.sign('HMAC', this.key, bytes.subarray(0, end))), end);
    return bytes;
  }

  /** @throws ContributionError for what this run did not seal */
  async open(kind: Kind, given: Uint8Array): Promise<Envelope> {
    const header = headerOf(kind, given);
    if (header['run'] !== this.run)
      throw new ContributionError('another run', `run: expected '${this.run}', got ${JSON.stringify(header['run'])?.slice(0, 80)}`);
    const start = headerAt + new DataView(given.buffer, given.byteOffset).getUint32(4, true);
    const end = given.length - sealLength;
    if (header['payload'] !== end - start)
      throw new ContributionError('torn', `payload: expected ${String(header['payload'])} bytes, got ${end - start}`);
    // A copy: what is posted may lie in memory that others write to.
    const bytes = new Uint8Array(given);
    const seal = bytes.subarray(end);
    if (!(await crypto.subtle.verify('HMAC', this.key, seal, bytes.subarray(0, end))))
      throw new ContributionError('checksum', 'seal: expected that of the content and the secret of the run, got another');
    return { header, payload: bytes.subarray(start, end), seal: hex(seal) };
  }
}

function headerOf(kind: Kind, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const decoder = new TextDecoder();
  if (bytes.length < headerAt + sealLength)
    throw new ContributionError('torn', `expected at least ${headerAt + sealLength} bytes, got ${bytes.length}`);
  if (decoder.decode(bytes.subarray(0, 4)) !== magic[kind])
    throw new ContributionError('foreign', `expected to begin with ${magic[kind]}, got other bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (length > longestHeader[kind] || headerAt + length + sealLength > bytes.length)
    throw new ContributionError('torn', `header: expected ${length} bytes and a seal, got ${bytes.length - headerAt} in all`);
  try {
    const header: unknown = JSON.parse(decoder.decode(bytes.subarray(headerAt, headerAt + length)));
    if (isRecord(header)) return header;
  } catch {
    // Said below.
  }
  throw new ContributionError('torn', 'header: expected JSON, got something else');
}

/** SHA-256 in hexadecimal of bytes one after the other. */
export async function digestOf(pieces: readonly Uint8Array[]): Promise<string> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', all)));
}
