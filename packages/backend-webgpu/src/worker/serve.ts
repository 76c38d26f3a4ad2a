/// <reference lib="dom" preserve="true" />
import { type Answer, type Question, threads } from './link.ts';
import { perform } from './work.ts';

/** The worker: one factorisation after another, in the order they are asked for. */
function answerTo({ id, work }: Question): readonly [Answer, ArrayBuffer[]] {
  try {
    const data = perform(work);
    return [{ id, data }, [data.buffer]];
  } catch (error) {
    return [{ id, error: error instanceof Error ? error.message : String(error) }, []];
  }
}

const port = threads()?.parentPort;
if (port) port.on('message', (question) => port.postMessage(...answerTo(question)));
else if (typeof document === 'undefined') {
  addEventListener('message', ({ data }: MessageEvent<Question>) => {
    const [answer, transfer] = answerTo(data);
    postMessage(answer, { transfer });
  });
}
