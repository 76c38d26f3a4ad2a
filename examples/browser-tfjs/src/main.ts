/// <reference lib="dom" preserve="true" />
import { memory, ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { LossPlot } from './loss-plot.ts';
import { Picture } from './picture.ts';
import { rateOf, stepsOf } from './settings.ts';
import { fields, spirals } from './spirals.ts';
import { train } from './training.ts';

function find<E extends Element>(selector: string, type: new () => E): E {
  const element = document.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`the page has no ${selector}`);
  return element;
}

const form = find('form', HTMLFormElement);
const backend = find('select', HTMLSelectElement);
const rate = find('input', HTMLInputElement);
const button = find('button[type=submit]', HTMLButtonElement);
const stop = find('button[name=stop]', HTMLButtonElement);
const progress = find('progress', HTMLProgressElement);
const output = find('output', HTMLOutputElement);

const data = spirals(100);
const places = fields(60);
const picture = new Picture(find('canvas.plane', HTMLCanvasElement), data);
picture.draw();
const plot = new LossPlot(find('#plot', HTMLElement));
let stopped = false;

async function start(): Promise<void> {
  button.disabled = true;
  progress.value = 0;
  stopped = false;
  try {
    const steps = stepsOf(location.search);
    let learningRate = rateOf(rate.value);
    plot.clear(steps);
    output.value = 'compiling …';
    stop.disabled = false;
    if (!(await setBackend(backend.value).catch(() => false))) throw new Error(`this browser has no ${backend.value}`);
    await ready();
    const before = memory().numTensors;
    await train({
      steps,
      data,
      places,
      learningRate() {
        // While it is being typed it may be anything: the last that was a rate holds.
        if (Number(rate.value) > 0) learningRate = rateOf(rate.value);
        return learningRate;
      },
      goesOn: () => !stopped,
      onStep(step, loss) {
        plot.add(step, loss);
        progress.value = step / steps;
        output.value = `step ${step}/${steps}, loss ${loss < 1e-3 ? loss.toExponential(2) : loss.toPrecision(3)}`;
      },
      onGuess: (shares) => picture.draw(shares),
    });
    output.value = `${stopped ? 'stopped' : 'done'}: ${output.value}, ${memory().numTensors - before} tensors left over`;
  } catch (error) {
    output.value = error instanceof Error ? `failed: ${error.message}` : 'failed';
  } finally {
    button.disabled = false;
    stop.disabled = true;
  }
}

stop.addEventListener('click', () => {
  stopped = true;
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void start();
});
