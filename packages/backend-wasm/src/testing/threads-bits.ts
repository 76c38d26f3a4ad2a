import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import type { WasmBackend } from '../backend.ts';
import { wasm } from '../wasm.ts';
import { finest } from './finest.ts';
import { noise } from './noise.ts';
import { threadsOf } from './threads.ts';

/** What twelve steps of SOAP on matrices that are cut into blocks come to. */
function trained(backend: WasmBackend): Float32Array {
  const optimizer = createOptimizer({ transform: soap(), parameters: { w: { shape: [140, 132], data: noise(140 * 132) } }, backend });
  for (let i = 0; i < 12; i++) optimizer.step({ w: noise(140 * 132, i + 2) });
  return optimizer.parameters.w.slice();
}

const two = await threadsOf(2, finest);
const [alone, together] = [trained(wasm()), trained(two)];
console.log(JSON.stringify({ fma: two.fma, runs: two.sharedRuns > 0, same: alone.every((x, i) => Object.is(x, together[i])) }));
// Nothing is disposed of: sleeping workers must not keep the process alive.
