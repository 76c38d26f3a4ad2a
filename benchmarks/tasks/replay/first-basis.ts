import { Buffer } from 'node:buffer';
import { linalg } from '@opt/linalg';

const { eigh } = linalg();

/** Where the header says that the numbers of a tensor lie. */
interface Place {
  readonly dtype: string;
  readonly start: number;
  readonly end: number;
}

/**
 * A checkpoint of SOAP with every basis set to what a solver in float32 finds for its covariance: eigenvectors by falling eigenvalue,
 * nothing completed. It is a safetensors file: the length of a JSON header, the header, the tensors, of which the last is a checksum.
 */
export function withBasesInFloat32(checkpoint: Uint8Array): Uint8Array {
  const file = Buffer.from(checkpoint);
  const length = file.readUInt32LE(0);
  const header: Readonly<Record<string, unknown>> = JSON.parse(file.toString('utf8', 8, 8 + length));
  const place = (key: string): Place => {
    const { dtype, data_offsets: offsets } = entryOf(header[key]);
    const [from, to]: readonly unknown[] = Array.isArray(offsets) ? offsets : [];
    if (typeof dtype !== 'string' || typeof from !== 'number' || typeof to !== 'number')
      throw new Error(`no tensor '${key}' in the checkpoint`);
    return { dtype, start: 8 + length + from, end: 8 + length + to };
  };
  for (const key of Object.keys(header)) {
    if (!key.includes('.A')) continue;
    const covariance = place(key);
    const basis = place(key.replace('.A', '.Q'));
    const A = read(file, covariance);
    write(file, basis, eigenvectors(A, Math.sqrt(A.length)));
  }
  file.writeDoubleLE(checksumOf(file.subarray(0, -8)), file.length - 8);
  return file;
}

/** What a checkpoint ends with: for each word, little-endian, h ← rotate₁₃((h ⊕ w)·p). */
function checksumOf(bytes: Buffer): number {
  let h = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 4) {
    const mixed = Math.imul(h ^ bytes.readInt32LE(at), 0x9e3779b1);
    h = (mixed << 13) | (mixed >>> 19);
  }
  return h >>> 0;
}

const entryOf = (value: unknown): { readonly dtype?: unknown; readonly data_offsets?: unknown } =>
  typeof value === 'object' && value !== null ? value : {};

/** Columns by falling eigenvalue, where `eigh` has them rising. */
function eigenvectors(A: Float32Array, n: number): Float32Array {
  const { vectors } = eigh(A, n);
  return vectors.map((_, i) => vectors[i - (i % n) + n - 1 - (i % n)] ?? 0);
}

const read = (file: Buffer, { dtype, start, end }: Place): Float32Array => {
  const bytes = dtype === 'F64' ? 8 : 4;
  return Float32Array.from({ length: (end - start) / bytes }, (_, i) =>
    bytes === 8 ? file.readDoubleLE(start + 8 * i) : file.readFloatLE(start + 4 * i),
  );
};

const write = (file: Buffer, { dtype, start }: Place, values: Float32Array): void => {
  for (const [i, value] of values.entries()) {
    if (dtype === 'F64') file.writeDoubleLE(value, start + 8 * i);
    else file.writeFloatLE(value, start + 4 * i);
  }
};
