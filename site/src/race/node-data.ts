import { readFileSync } from 'node:fs';
import { type DataFile, dataFiles, type Mnist1d, mnist1d } from './data.ts';

/** MNIST-1D of this repository, in Node. */
export function nodeData(): Mnist1d {
  const read = (file: DataFile): ArrayBuffer => {
    const bytes = readFileSync(new URL(`../../../examples/race/data/${file}`, import.meta.url));
    return new Uint8Array(bytes).buffer;
  };
  const [xTrain, yTrain, xTest, yTest] = dataFiles;
  return mnist1d({ [xTrain]: read(xTrain), [yTrain]: read(yTrain), [xTest]: read(xTest), [yTest]: read(yTest) });
}
