import { type Choices, defaultBackend, defaultOut } from './options.ts';

/** What `pnpm sweep --help` prints. */
export const help = ({ tasks, optimizers, backends, cores }: Choices): string => `pnpm sweep [options]

Sweeps the learning rate of every optimizer on every task, prints who won, and writes sweep.json, sweep.html and pictures.
Every finished run is kept: started again, a sweep goes on where it was. Nothing that would come out otherwise is reused.

  --tasks NAMES       of ${tasks.join(', ')} (default: all)
  --optimizers NAMES  of ${optimizers.join(', ')} (default: all)
  --rates NUMBERS     exactly these learning rates, in place of the search
  --universal         one optimizer with one set of hyperparameters on every task: how soon is it where tuned AdamW gets?
  --seeds N           seed 0 for the search, N at its best rate (default: 3)
  --workers N         processes (default: ${cores}, one per core)
  --out DIR           where results go and earlier ones are found (default: ./${defaultOut})
  --backend NAME      what runs the optimizers: ${backends.join(', ')} (default: ${defaultBackend})
  --quick             a tenth of the steps, two rates, one seed: minutes in place of hours; the report says so
  --report            runs nothing, reports what is there
  --queue URL         hands the runs to workers at a Redis server (redis://…), started with pnpm sweep-worker
  --help              this text
`;
