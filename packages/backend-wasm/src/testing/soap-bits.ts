import { createHash } from 'node:crypto';
import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import { wasm } from '../wasm.ts';

/** Thirty steps of SOAP: whether there was fused multiply-add, and the bits it came to, with the option left out and with `false`. */
const came = [wasm(), wasm({ fma: false })].map((backend) => {
  const shape = [24, 17];
  const data = Float32Array.from({ length: 24 * 17 }, (_, i) => Math.fround(((i * 7919) % 1009) / 1009 - 0.5));
  const optimizer = createOptimizer({ transform: soap({ learningRate: 0.03 }), parameters: { w: { shape, data } }, backend });
  for (let step = 1; step <= 30; step++) {
    // Sums and products in f32: the same in every engine.
    optimizer.step({ w: optimizer.parameters.w.map((w, i) => Math.fround(Math.fround(w * 0.75) + ((i * step * 31) % 257) / 4096)) });
  }
  const { w } = optimizer.parameters;
  return {
    fma: backend.fma,
    bits: createHash('sha256')
      .update(new Uint8Array(w.buffer, w.byteOffset, w.byteLength))
      .digest('hex'),
  };
});
console.log(JSON.stringify(came));
