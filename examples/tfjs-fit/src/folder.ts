import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';

/** Saves a model into a folder and loads it from there: tfjs itself has files only in its native package. */
export function folder(path: string): Required<Pick<io.IOHandler, 'save' | 'load'>> {
  const [description, weights] = [join(path, 'model.json'), join(path, 'weights.bin')];
  return {
    async save({ weightData, ...rest }) {
      mkdirSync(path, { recursive: true });
      writeFileSync(description, JSON.stringify(rest));
      const parts = Array.isArray(weightData) ? weightData : weightData === undefined ? [] : [weightData];
      writeFileSync(weights, Buffer.concat(parts.map((part) => Buffer.from(part))));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
    async load() {
      const data = readFileSync(weights);
      return {
        ...JSON.parse(readFileSync(description, 'utf8')),
        weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
      };
    },
  };
}
