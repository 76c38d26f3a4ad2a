/** A file taken apart, to be put together with something changed. */
export interface Parts {
  readonly header: Record<string, unknown>;
  readonly metadata: Record<string, string>;
  readonly host: Record<string, unknown>;
  readonly data: Uint8Array;
}

const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (value: unknown): Record<string, unknown> => {
  if (!isRecord(value)) throw new TypeError('a record was expected');
  return value;
};

export function partsOf(file: Uint8Array): Parts {
  const start = 8 + new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  const { __metadata__, ...header } = record(decode(file.subarray(8, start)));
  const metadata = Object.fromEntries(Object.entries(record(__metadata__)).map(([key, value]) => [key, String(value)]));
  return { header, metadata, host: record(JSON.parse(metadata['host'] ?? '')), data: file.slice(start) };
}

/** The file of these parts, with the checksum that is theirs; `text` says the host's part in other words than `host`. */
export function joined({ header, metadata, host, data }: Parts, text: string = JSON.stringify(host)): Uint8Array {
  const json = JSON.stringify({ __metadata__: { ...metadata, host: text }, ...header });
  const bytes = new TextEncoder().encode(json + ' '.repeat((4 - (new TextEncoder().encode(json).length % 4)) % 4));
  const file = new Uint8Array(8 + bytes.length + data.length);
  new DataView(file.buffer).setUint32(0, bytes.length, true);
  file.set(bytes, 8);
  file.set(data, 8 + bytes.length);
  const lanes = 'checksum' in header ? lanesOf(record(header['checksum'])) : 0;
  const start = file.length - 8 * lanes;
  const view = new DataView(file.buffer);
  for (const [i, sum] of checksums(file.subarray(0, start), lanes).entries()) view.setFloat64(start + 8 * i, sum, true);
  return file;
}

const lanesOf = ({ shape }: Readonly<Record<string, unknown>>): number => (Array.isArray(shape) && shape.length === 0 ? 1 : 4);

/** h ← rotate₁₃((h ⊕ w)·p) over every so many-th of the little-endian words, in exact integers. */
function checksums(bytes: Uint8Array, lanes: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: lanes }, (_, lane) => {
    let h = 0x811c9dc5n;
    for (let at = 4 * lane; at + 4 <= bytes.length; at += 4 * lanes) {
      const mixed = ((h ^ BigInt(view.getUint32(at, true))) * 0x9e3779b1n) & 0xffffffffn;
      h = ((mixed << 13n) | (mixed >> 19n)) & 0xffffffffn;
    }
    return Number(h);
  });
}

/** The same with a checksum of one lane, as files had it before. */
export function inOneLane(file: Uint8Array): Uint8Array {
  const { header, data, ...parts } = partsOf(file);
  const end = data.length - 32;
  const checksum = { dtype: 'F64', shape: [], data_offsets: [end, end + 8] };
  return joined({ ...parts, header: { ...header, checksum }, data: data.slice(0, end + 8) });
}

/** The same as the first format had it: without slots, their joins on their own, and no checksum. */
export function inFirstFormat(file: Uint8Array, change: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const { host, data, ...rest } = partsOf(file);
  const { checksum: _checksum, ...header } = rest.header;
  const { slots, schedules: _, ...kept } = host;
  const joins = Object.fromEntries(
    Object.entries(record(slots)).flatMap(([key, slot]) => (record(slot)['joins'] ? [[key, record(slot)['joins']]] : [])),
  );
  return joined({ header, data: data.subarray(0, -32), metadata: { format: 'opt-checkpoint/1' }, host: { ...kept, joins, ...change } });
}

const bytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/**
 * Written before the second format: b = [1, 2], a = [3, 4, 5] in f32 on seed 7, `adamw({ learningRate: 0.25, weightDecay: 0 })`, three
 * steps of b: [1, −1 − i], a: [0.5, i, −2], and a fourth that was dropped.
 */
export const recordedAdamw: Uint8Array = bytes(
  'AAMAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJvcHQtY2hlY2twb2ludC8xIiwiaG9zdCI6IntcImNvdW50ZXJzXCI6e1wiQGFwcGxpZWQ6XCI6NCxcImd1YXJkQGFwcGxpZWQ6XCI6MyxcImFkYW13OmJcIjozLFwiYWRhbXc6YVwiOjMsXCJkZWNheTpiXCI6MyxcImRlY2F5OmFcIjozLFwiZGVzY2VuZDpiXCI6MyxcImRlc2NlbmQ6YVwiOjN9LFwiY2FsbFwiOjMsXCJza2lwcGVkXCI6MSxcInNlZWRcIjo3LFwiaHlwZXJzXCI6e1wiYmV0YTFcIjowLjksXCJiZXRhMlwiOjAuOTk5LFwiZXBzaWxvblwiOjFlLTgsXCJsZWFybmluZ1JhdGVcIjowLjI1LFwid2VpZ2h0RGVjYXlcIjowfSxcInBhcmFtZXRlcnNcIjp7XCJiXCI6WzJdLFwiYVwiOlszXX0sXCJqb2luc1wiOnt9fSJ9LCJwYXJhbWV0ZXI6YiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzAsOF19LCJwYXJhbWV0ZXI6YSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzgsMjBdfSwiYWRhbXcubTpiIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMjAsMjhdfSwiYWRhbXcudjpiIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMjgsMzZdfSwiYWRhbXcubTphIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbMzYsNDhdfSwiYWRhbXcudjphIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbNDgsNjBdfX0gICAgICAAAIA+XMUuQAAAEEAv1mZAAAC4QIPAij6ynQ+/VmlEOxlHZTyDwAo+4XqUPoPACr9WaUQ6qM6jO1ZpRDw=',
);

/** The same with `rule(concatenated(ema({ beta: 0.5 })), descend({ learningRate: 0.5 }))`, and b: [1, 1], a: [0, 0, 0] as fourth step. */
export const recordedJoined: Uint8Array = bytes(
  '4AEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJvcHQtY2hlY2twb2ludC8xIiwiaG9zdCI6IntcImNvdW50ZXJzXCI6e1wiQGFwcGxpZWQ6XCI6NCxcImVtYToqXCI6NCxcImRlc2NlbmQ6YlwiOjQsXCJkZXNjZW5kOmFcIjo0fSxcImNhbGxcIjo0LFwic2tpcHBlZFwiOjAsXCJzZWVkXCI6NyxcImh5cGVyc1wiOntcImJldGFcIjowLjUsXCJsZWFybmluZ1JhdGVcIjowLjV9LFwicGFyYW1ldGVyc1wiOntcImJcIjpbMl0sXCJhXCI6WzNdfSxcImpvaW5zXCI6e1wiZW1hLm06KlwiOltcImJcIixcImFcIl19fSJ9LCJwYXJhbWV0ZXI6YiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzAsOF19LCJwYXJhbWV0ZXI6YSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzgsMjBdfSwiZW1hLm06KiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbNV0sImRhdGFfb2Zmc2V0cyI6WzIwLDQwXX19ICAAAAi/AACHQAAAF0AAADRAAADyQAAAcD8AABC/AABgPgAAID8AAGC/',
);
