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

it('a file with a byte changed is refused', () => {
  const file = putTogether({ metadata, tensors });
  file[file.length - 12] = (file[file.length - 12] ?? 0) ^ 1;
  expect(() => takeApart(file)).toThrow('load: the file is damaged: its checksum must be');
});
