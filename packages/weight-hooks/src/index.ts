export type { HookChange, HookStep, WeightHook } from './hook.ts';
export { type HyperballOptions, hyperball } from './hyperball.ts';
export { type NormControlOptions, normControl } from './norm-control.ts';
export { type RadialBrakeOptions, radialBrake } from './radial-brake.ts';
export { type RadiusPinOptions, radiusPin } from './radius-pin.ts';
export { type RelativeUpdateOptions, relativeUpdate } from './relative-update.ts';
export { type UpdateFloorOptions, updateFloor } from './update-floor.ts';
