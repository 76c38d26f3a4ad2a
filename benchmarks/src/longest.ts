import { wasm } from '@opt/backend-wasm';
import { createOptimizer, mapValues } from '@opt/core';
import { soap } from '@opt/soap';
import { gradientSets, models, tensors } from './bench/models.ts';

/**
 * Times every step of SOAP with and without `spread`, in turns. Work repeats itself every period: of each place in it the median counts, so
 * that what disturbs single steps does not. Prints the longest of these, their median and the ratio.
 */
const [calls, period] = [100, 10];
const name = process.argv[2] ?? 'transformer';
const model = models[name];
if (model === undefined) throw new Error(`no model '${name}'; there are ${Object.keys(models).join(', ')}`);
const { shapes, title } = model;
const sets = gradientSets(shapes);
const initial = tensors(shapes, 0);
const contenders = [false, true].map((spread) => {
  const parameters = mapValues(shapes, (shape, key) => ({ shape, data: initial[key] ?? [] }));
  const transform = soap({ preconditionFrequency: period, spread, maxPreconditionDim: 800 });
  return { spread, times: [] as number[], optimizer: createOptimizer({ transform, parameters, backend: wasm() }) };
});
const milliseconds = (seconds: number): string => `${(1000 * seconds).toPrecision(3)} ms`;

// The first call is alone in its work, and in the first two periods every program is compiled.
for (let call = 0; call < 2 * period + 1 + calls; call++)
  for (const { optimizer, times } of contenders) {
    const start = performance.now();
    optimizer.step(sets[call % sets.length] ?? {});
    if (call > 2 * period) times.push((performance.now() - start) / 1000);
  }
console.log(`SOAP f=${period}, ${title}, sides above 800 left alone, ${calls} steps`);
const medianOf = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
for (const { spread, times } of contenders) {
  const places = Array.from({ length: period }, (_, place) => medianOf(times.filter((_time, i) => i % period === place)));
  const [longest, median] = [Math.max(...places), medianOf(places)];
  console.log(
    `${spread ? 'spread  ' : 'together'}  longest ${milliseconds(longest)}, median ${milliseconds(median)}: ${(longest / median).toFixed(2)}`,
  );
}
