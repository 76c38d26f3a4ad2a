import { adaptiveRecords } from './records/adaptive.ts';
import { averagingRecords } from './records/averaging.ts';
import { geometricRecords } from './records/geometric.ts';
import { localSgdRecords } from './records/local-sgd.ts';
import { lreRecords } from './records/lre.ts';
import { optimizersRecords } from './records/optimizers.ts';
import type { TransformRecord } from './records/record.ts';
import { transformsRecords } from './records/transforms.ts';
import { weightHooksRecords } from './records/weight-hooks.ts';
import { whiteningRecords } from './records/whitening.ts';

/** Every exported transform: a new one joins the shared tests by a record here. */
export const transforms: readonly TransformRecord[] = [
  ...transformsRecords,
  ...optimizersRecords,
  ...geometricRecords,
  ...lreRecords,
  ...weightHooksRecords,
  ...adaptiveRecords,
  ...whiteningRecords,
  ...averagingRecords,
  ...localSgdRecords,
];
