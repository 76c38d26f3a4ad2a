/** What can be raced on, by the name in an address. */
export const raceTasks = [
  { name: 'mlp', label: 'MNIST-1D, MLP', sweep: 'mlp-mini-batch' },
  { name: 'convnet', label: 'MNIST-1D, convnet', sweep: 'convnet' },
  { name: 'matrix-sign', label: 'sign of a matrix', sweep: 'matrix-sign' },
  { name: 'matrix-inverse-l1', label: 'inverse, absolute errors', sweep: 'matrix-inverse-l1' },
  { name: 'inverse-of-inverse', label: 'inverse of the inverse', sweep: 'inverse-of-inverse' },
] as const;

export type RaceTask = (typeof raceTasks)[number]['name'];

export const isRaceTask = (name: unknown): name is RaceTask => raceTasks.some((task) => task.name === name);
