/// <reference lib="dom" />
import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { sgd } from '@opt/transforms';
import { loadFile, saveFile } from '../browser.ts';

const make = (x: number) =>
  createOptimizer({ transform: sgd({ learningRate: 1 }), parameters: { w: { shape: [1], data: [x] } }, backend: reference() });

/** What a page does with files; the test asks for one after the other. */
const page = {
  /** Saves x, goes on training, and gives what is loaded. */
  async thereAndBack(path: string, x: number): Promise<number | undefined> {
    const optimizer = make(x);
    const saved = saveFile(path, optimizer);
    optimizer.step({ w: [1] });
    await saved;
    return page.load(path);
  },
  async load(path: string): Promise<number | undefined> {
    const optimizer = make(0);
    await loadFile(path, optimizer);
    return optimizer.parameters.w[0];
  },
  /** Saves these numbers of bytes at once, and gives the file's length. */
  async atOnce(path: string, sizes: readonly number[]): Promise<number> {
    await Promise.all(sizes.map((size) => saveFile(path, { save: () => new Uint8Array(size) })));
    const handle = await (await navigator.storage.getDirectory()).getFileHandle(path);
    return (await handle.getFile()).size;
  },
  /** Begins to save and does not wait. */
  begin(path: string, bytes: number): void {
    void saveFile(path, { save: () => new Uint8Array(bytes) });
  },
  /** Why a call fails. */
  async failure(call: 'load' | 'save', path: string): Promise<string> {
    try {
      await (call === 'load' ? page.load(path) : saveFile(path, make(1)));
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
    return 'nothing';
  },
  /** What is written fails from now on, as on a full disk. */
  fill(): void {
    FileSystemWritableFileStream.prototype.write = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'));
  },
};

export type FilesPage = typeof page;
Object.assign(globalThis, { optFiles: page });
