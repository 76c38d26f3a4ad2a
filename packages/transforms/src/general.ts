import {
  accumulate,
  chain,
  choice,
  closedUnit,
  flag,
  type Hyper,
  integer,
  type Option,
  OptionTypeError,
  optional,
  positive,
  type Resolved,
  type Rule,
  type Setting,
  skipNonFinite,
  type Transform,
  text,
  weightEma,
  wrapRule,
} from '@opt/core';
import { clipGlobalNorm, clipNorm, clipValue } from './clip.ts';
import { unscale } from './direction.ts';

/** The options every optimizer has: what happens to a gradient before its rule, and to a parameter after it. */
export interface GeneralOptions {
  /** Scale each gradient to at most this L2 norm. At most one of the three clips may be set; default null. */
  readonly clipnorm?: Setting | null;
  /** Bring every entry of a gradient into [−c, c]. Default null. */
  readonly clipvalue?: Setting | null;
  /** Scale all gradients together to at most this L2 norm. Default null. */
  readonly globalClipnorm?: Setting | null;
  /** Keep an average of the weights. Default false. */
  readonly useEma?: boolean;
  /** μ of that average, [0, 1], default 0.99. */
  readonly emaMomentum?: Setting;
  /** Overwrite the weights with their average every so many applied steps, integer ≥ 1; default null. */
  readonly emaOverwriteFrequency?: number | null;
  /** What the loss was multiplied by; gradients are divided by it, each call's by what it then is. Default null. See `lossScaling`. */
  readonly lossScaleFactor?: Setting | null;
  /** Apply the mean of this many gradients, integer ≥ 2; default null. */
  readonly gradientAccumulationSteps?: number | null;
  /** A call with a NaN or an infinity in a gradient is dropped (`'skip'`, default) or throws, with nothing changed. */
  readonly nonFinite?: 'skip' | 'throw';
  /** Prefix of state keys and messages; default: the optimizer's own name. */
  readonly name?: string;
}

/** How `resolve` reads them. */
export type GeneralTable = Readonly<{
  clipnorm: Option<Hyper | null>;
  clipvalue: Option<Hyper | null>;
  globalClipnorm: Option<Hyper | null>;
  useEma: Option<boolean>;
  emaMomentum: Option<Hyper>;
  emaOverwriteFrequency: Option<number | null>;
  lossScaleFactor: Option<Hyper | null>;
  gradientAccumulationSteps: Option<number | null>;
  nonFinite: Option<'skip' | 'throw'>;
  name: Option<string>;
}>;

/** The table of these options, for an optimizer called `name`. */
export const generalOptions = (name: string): GeneralTable => ({
  clipnorm: optional(positive(1)),
  clipvalue: optional(positive(1)),
  globalClipnorm: optional(positive(1)),
  useEma: flag(false),
  emaMomentum: closedUnit(0.99),
  emaOverwriteFrequency: optional(integer(1)),
  lossScaleFactor: optional(positive(1)),
  gradientAccumulationSteps: optional(integer(2, 2)),
  nonFinite: choice('skip', ['skip', 'throw']),
  name: text(name),
});

const isName = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9-]+$/.test(value);

/** The name an optimizer will have, for messages about its other options. */
export const nameOf = (options: unknown, fallback: string): string =>
  typeof options === 'object' && options !== null && 'name' in options && isName(options.name) ? options.name : fallback;

/**
 * Puts the general stages around a rule, in this order: drop what is not finite, unscale, accumulate, average the weights
 * (clip(gradient), rule). So a call that is dropped is part of no window, and the average sees applied steps only.
 */
export function general(options: Resolved<GeneralTable>, inner: Rule): Rule {
  const {
    clipnorm,
    clipvalue,
    globalClipnorm,
    lossScaleFactor,
    useEma,
    emaMomentum,
    emaOverwriteFrequency,
    gradientAccumulationSteps,
    nonFinite,
  } = options;
  const clips = Object.entries({ clipnorm, clipvalue, globalClipnorm }).filter(([, value]) => value !== null);
  if (clips.length > 1) {
    const names = clips.map(([name]) => name).join(' and ');
    throw new OptionTypeError(`${options.name}: at most one of clipnorm, clipvalue, globalClipnorm may be set, received ${names}`);
  }
  const before: Transform[] = [
    ...(clipnorm === null ? [] : [clipNorm({ maxNorm: clipnorm })]),
    ...(clipvalue === null ? [] : [clipValue({ maxValue: clipvalue })]),
    ...(globalClipnorm === null ? [] : [clipGlobalNorm({ maxNorm: globalClipnorm })]),
  ];
  return wrapRule(inner, (innermost) => {
    const clipped = before.length === 0 ? innermost : chain(...before, innermost);
    const averaged = useEma ? weightEma({ emaMomentum, emaOverwriteFrequency }, clipped) : clipped;
    const collected = gradientAccumulationSteps === null ? averaged : accumulate(gradientAccumulationSteps, averaged);
    // Each call by the scale it came with, which may be another within one window.
    return skipNonFinite(lossScaleFactor === null ? collected : chain(unscale({ lossScaleFactor }), collected), nonFinite);
  });
}
