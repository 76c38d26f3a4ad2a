import { loadavg } from 'node:os';
import { backendNames } from './backends.ts';
import { type Comparison, sectionsOn } from './bench/comparison.ts';
import { type Gpu, openGpu } from './bench/gpu/adapter.ts';
import { describeMachine, heading } from './bench/machine.ts';
import { type Measured, measure } from './bench/measured.ts';
import { type BenchOptions, parseOptions, UsageError, usage } from './bench/options.ts';
import { allPeers, type Peers } from './bench/peers.ts';
import { printMeasured, printSizes } from './bench/print.ts';
import { findPython } from './bench/python.ts';
import { writeResults } from './bench/results-file.ts';
import { everyStep } from './bench/sections/every-step.ts';
import { gpuSteps } from './bench/sections/gpu.ts';
import { linalg } from './bench/sections/linalg.ts';
import { lowrank } from './bench/sections/lowrank.ts';
import { onnxSteps } from './bench/sections/onnx.ts';
import { overhead } from './bench/sections/overhead.ts';
import { type Size, sizes } from './bench/sections/size.ts';
import { steps } from './bench/sections/steps.ts';
import { threads } from './bench/sections/threads.ts';
import { tally } from './bench/tally.ts';

/** Seconds: long enough to time well, and where a comparison of slow contenders gives up on the rest of its rounds. */
const pace = { batch: 0.02, budget: 60 };

const wanted = ({ sections, filter }: BenchOptions, peers: Peers, gpu: Gpu | undefined): readonly Comparison[] => {
  const everyStepOn = (): readonly Comparison[] =>
    everyStep('steps', '', (name, recipe, model) => peers.ours(name, `step/${recipe}/${model}`));
  const makers = {
    steps: () => [...steps(peers), ...everyStepOn()],
    linalg,
    lowrank,
    overhead,
    size: () => [],
    gpu: () => (gpu === undefined ? [] : gpuSteps(gpu)),
    onnx: onnxSteps,
    threads,
  };
  const all = sections.flatMap((section) => makers[section](peers));
  return filter === undefined ? all : all.filter(({ title }) => title.toLowerCase().includes(filter.toLowerCase()));
};

async function bench(options: BenchOptions): Promise<number> {
  const { sections, backend, rounds, filter } = options;
  const measuresSizes = sections.includes('size') && filter === undefined;
  const python = findPython();
  const peers = allPeers(backend, python);
  try {
    const gpu = sections.includes('gpu') ? await openGpu() : undefined;
    const comparisons = wanted(options, peers, gpu);
    if (comparisons.length === 0 && !measuresSizes)
      throw new UsageError(`--filter: no comparison has ${JSON.stringify(filter)} in its title`);
    const machine = await describeMachine(backend, python, await peers.libraries());
    console.log(`${heading(machine)}\n`);
    const measured: Measured[] = [];
    for (const comparison of comparisons) {
      const one = await measure(comparison, { ...pace, rounds });
      console.log(`${printMeasured(one)}\n`);
      measured.push(one);
    }
    const sized: readonly Size[] = measuresSizes ? await sizes() : [];
    if (measuresSizes) console.log(`${printSizes(sized)}\n`);
    const full = sections.length === sectionsOn(backend).length && filter === undefined && backend === 'wasm';
    console.log(`${tally(measured, sized)}; load ${loadavg()[0]?.toFixed(1)} at the end`);
    console.log(`Wrote ${writeResults({ machine, comparisons: measured, sizes: sized }, full)}`);
    const broken =
      measured.some(({ rows }) => rows.some(({ failed }) => failed !== undefined)) || sized.some(({ failed }) => failed !== undefined);
    return broken ? 1 : 0;
  } finally {
    peers.close();
  }
}

// A reader that has seen enough, as in `pnpm bench | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  const options = parseOptions(process.argv.slice(2), backendNames);
  if (options === 'help') console.log(usage(backendNames));
  else process.exitCode = await bench(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
