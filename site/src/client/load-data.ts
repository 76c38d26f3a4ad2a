import { type DataFile, dataFiles, type Mnist1d, mnist1d } from '../race/data.ts';

/** MNIST-1D from a folder of the site. */
export async function loadData(address: string): Promise<Mnist1d> {
  const fetched = await Promise.all(
    dataFiles.map(async (file): Promise<readonly [DataFile, ArrayBuffer]> => {
      const response = await fetch(new URL(file, address));
      if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
      return [file, await response.arrayBuffer()];
    }),
  );
  const bytes = new Map(fetched);
  const of = (file: DataFile): ArrayBuffer => bytes.get(file) ?? new ArrayBuffer(0);
  return mnist1d({
    'x_train.f32': of('x_train.f32'),
    'y_train.u8': of('y_train.u8'),
    'x_test.f32': of('x_test.f32'),
    'y_test.u8': of('y_test.u8'),
  });
}
