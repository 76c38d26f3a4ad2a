export * from './backend.ts';
export * from './errors.ts';
export { warn } from './log.ts';
export * from './objective/differences.ts';
export { type Answer, type Gradients, isObjective, type Objective, type PerSampleGradients, type Values } from './objective/objective.ts';
export type { LoadedHyperparameter, LoadOptions, LoadReport } from './optimizer/checkpoint/load-options.ts';
export { type CheckpointParts, putTogether, takeApart } from './optimizer/checkpoint/parts.ts';
export { createOptimizer } from './optimizer/create-optimizer.ts';
export { type ExplainedProgram, type ExplainedQuestion, type Explanation, explain } from './optimizer/explain.ts';
export type { Narrowed } from './optimizer/memory/narrowed.ts';
export type { Draws } from './optimizer/memory/randomness.ts';
export { type Metrics, type MetricsOptions, metricsOption, type Norms } from './optimizer/metrics.ts';
export type { Group, Optimizer, OptimizerOptions, ParameterSource } from './optimizer/optimizer.ts';
export { type Hyperparameters, hyperparametersOf } from './optimizer/plans/layout.ts';
export type { Metric } from './optimizer/plans/measures.ts';
export {
  anyNumber,
  checkScalar,
  type Hyper,
  hyper,
  isHyper,
  message,
  type Range,
  type Scalar,
  type Schedule,
  type Setting,
} from './options/hyper.ts';
export { checkNames, type Names, names, type Selection } from './options/names.ts';
export {
  above,
  callable,
  choice,
  closedUnit,
  exact,
  fixed,
  flag,
  integer,
  needed,
  nonNegative,
  noOptions,
  nullable,
  type Option,
  openUnit,
  optional,
  positive,
  type Resolved,
  resolve,
  text,
  unit,
  within,
} from './options/options.ts';
export { constant, cosine, exponential, linear, piecewise, power, sequence, type WsdOptions, warmup, wsd } from './options/schedules.ts';
export { type Axis, axesOf } from './planning/axes.ts';
export { type Grid, Lifetimes } from './planning/lifetimes.ts';
export { Precedence } from './planning/order.ts';
export { computedAgain, dependencies } from './planning/sharing.ts';
export { type Cost, cost, elementBytes } from './program/cost.ts';
export { applyHost, HostEvaluator } from './program/host.ts';
export type { Span } from './program/interval.ts';
export {
  byteValues,
  codeBytes,
  decoded,
  encoded,
  isNarrow,
  largestCoded,
  narrowTypes,
  roundingBits,
  roundingKey,
  type Stretch,
  stretchesOf,
  topDecade,
} from './program/narrow.ts';
export { precisions } from './program/precision.ts';
export { printProgram } from './program/print.ts';
export * from './program/program.ts';
export { binary, unary } from './program/scalar.ts';
export { type Cut, type Segment, type Segments, segments } from './program/segments.ts';
export { broadcast, broadcastStrides, printShape, type Shape, sameShape, size, strides } from './program/shape.ts';
export { type Known, spans } from './program/spans.ts';
export { mapValues, merged, own, record, required } from './records.ts';
export { isModerate, moderate, sameTensor } from './trace/emit.ts';
export {
  all,
  allFinite,
  argmax,
  concat,
  debias,
  full,
  identity,
  iota,
  mod,
  repeat,
  saturate,
  scalar,
  tril,
  triu,
  where,
} from './trace/functions.ts';
export { symmetricPower } from './trace/matrix-functions.ts';
export { alongAxis, axisGram, unfolding } from './trace/modes.ts';
export { clipFactor, clipped, type Extent, extentOf, frobenius, norm, normalized, type Scaled, scaled, schatten4 } from './trace/norms.ts';
export { type MatmulOptions, type ReduceOptions, Tensor } from './trace/tensor.ts';
export { trace } from './trace/trace.ts';
export { type AccumulateOptions, accumulate } from './transform/accumulate.ts';
export { type Basis, type Change, type Frame, type Move, rotation } from './transform/basis.ts';
export { chain, named, rule, wrapRule } from './transform/chain.ts';
export { concatenated } from './transform/concatenated.ts';
export type { GradientQuestion, LossQuestion, ProductQuestion, VectorQuestion } from './transform/evaluation.ts';
export { hypersNamed } from './transform/hypers-named.ts';
export { inBasis } from './transform/in-basis.ts';
export { overSite } from './transform/over-site.ts';
export { divide, type PartitionOptions, partition, type Route } from './transform/partition.ts';
export { perTensor, type Slots, type TensorChange, type TensorRule, type TensorStep } from './transform/per-tensor.ts';
export { skipNonFinite } from './transform/skip-non-finite.ts';
export type { Kind, Slot, Start, StateDtype } from './transform/slot.ts';
export { requiredRule, requiredStage, stage } from './transform/stage-options.ts';
export * from './transform/transform.ts';
export { type WeightEmaOptions, weightEma } from './transform/weight-ema.ts';
export { advice, describe, isPlain } from './validation/describe.ts';
