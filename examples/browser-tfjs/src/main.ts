/// <reference lib="dom" preserve="true" />
import { memory, ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import uPlot from 'uplot';
import { train } from './training.ts';

function find<E extends Element>(selector: string, type: new () => E): E {
  const element = document.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`the page has no ${selector}`);
  return element;
}

const form = find('form', HTMLFormElement);
const backend = find('select', HTMLSelectElement);
const rate = find('input', HTMLInputElement);
const button = find('button', HTMLButtonElement);
const progress = find('progress', HTMLProgressElement);
const output = find('output', HTMLOutputElement);
const steps = Number(new URLSearchParams(location.search).get('steps') ?? 300);

const curve: [number[], number[]] = [[], []];
const plot = new uPlot(
  {
    width: Math.min(720, innerWidth - 32),
    height: 320,
    scales: { x: { time: false }, y: { distr: 3 } },
    series: [{ label: 'step' }, { label: 'loss', stroke: '#0b6', width: 2 }],
  },
  curve,
  find('#plot', HTMLElement),
);

async function start(): Promise<void> {
  button.disabled = true;
  try {
    if (!(await setBackend(backend.value).catch(() => false))) throw new Error(`this browser has no ${backend.value}`);
    await ready();
    const before = memory().numTensors;
    curve.forEach((values) => {
      values.length = 0;
    });
    await train({
      steps,
      learningRate: () => Math.max(0, Number(rate.value)),
      onStep(step, loss) {
        curve[0].push(step);
        curve[1].push(loss);
        plot.setData(curve);
        progress.value = step / steps;
        output.value = `step ${step}/${steps}, loss ${loss.toPrecision(3)}`;
      },
    });
    output.value = `done: ${output.value}, ${memory().numTensors - before} tensors left over`;
  } catch (error) {
    output.value = error instanceof Error ? `failed: ${error.message}` : 'failed';
  } finally {
    button.disabled = false;
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void start();
});
