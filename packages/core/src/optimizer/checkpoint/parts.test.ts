import { expect, it } from 'vitest';
import { putTogether, takeApart } from './parts.ts';

const tensors = new Map([
  ['parameter:w', { shape: [2], data: Float32Array.of(1, -2) }],
  ['stage.m:w', { shape: [1, 1], data: Float64Array.of(0.1) }],
]);
const metadata = { format: 'some', host: '{"call":3}' };

it('a file made of tensors is taken apart into them', () => {
  expect(takeApart(putTogether({ metadata, tensors }))).toEqual({ metadata, tensors });
});

it('a file with a byte changed is refused, also far behind the first piece and in each lane of the checksum', () => {
  const file = putTogether({
    metadata,
    tensors: new Map([...tensors, ['stage.v:w', { shape: [200_003], data: new Float32Array(200_003) }]]),
  });
  for (const fromBehind of [...Array(48).keys()].map((i) => i + 1).concat(500_000, 800_000)) {
    const changed = file.slice();
    changed[file.length - fromBehind] = (changed[file.length - fromBehind] ?? 0) ^ 1;
    expect(() => takeApart(changed)).toThrow('load: the file is damaged: its checksum must be');
  }
  expect(takeApart(file).tensors.size).toBe(3);
});
