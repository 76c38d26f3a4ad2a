import { accumulate, chain, named, partition, type Rule, rule, skipNonFinite, type Transform, weightEma } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { descend, ema, sgd, unscale } from '@opt/transforms';
import type { Hyperparameters } from './families/family.ts';
import type { TransformRecord } from './records/record.ts';

/** One way to make an optimizer of a record. */
export interface Subject {
  readonly label: string;
  readonly record: TransformRecord;
  /** Made without options. */
  readonly plain: boolean;
  make(): Rule;
}

const isRule = (transform: Transform): transform is Rule => 'mapDirection' in transform;

/** A whole optimizer around a record: stages without memory get a moving average to work on. */
function whole({ name, role, make }: TransformRecord, options: Hyperparameters): Rule {
  const made = make(options);
  if (role === 'direction') return rule(chain(named('before', ema({ beta: 0.5 })), made), descend({ learningRate: 0.02 }));
  if (role === 'move') return rule(ema({ beta: 0.5 }), made, ...(name === 'descend' ? [] : [descend({ learningRate: 0.02 })]));
  return isRule(made) ? made : rule(made);
}

const show = (options: Hyperparameters): string =>
  Object.entries(options)
    .map(([name, value]) => `${name} ${typeof value === 'object' && value !== null ? '…' : String(value)}`)
    .join(', ');

/** All that records can make. */
export const subjects = (records: readonly TransformRecord[]): Subject[] =>
  records.flatMap((record) =>
    [{}, ...(record.variants ?? [])].map((options, i) => ({
      label: `${record.name}(${show(options)})`,
      record,
      plain: i === 0,
      make: () => whole(record, options),
    })),
  );

/** Everything a rule can be put into. */
export interface Wrapper {
  readonly name: string;
  wrap(rule: Rule): Transform;
}

export const wrappers: readonly Wrapper[] = [
  { name: 'alone', wrap: (inner) => inner },
  { name: 'named', wrap: (inner) => named('outer', inner) },
  { name: 'in a chain', wrap: (inner) => chain(named('first', unscale({ lossScaleFactor: 4 })), inner) },
  {
    name: 'in a partition',
    wrap: (inner) => partition({ here: inner, there: sgd({ momentum: 0.5 }) }, (_, shape) => (shape.length > 0 ? 'here' : 'there')),
  },
  { name: 'accumulated', wrap: (inner) => accumulate(3, named('inner', inner)) },
  { name: 'averaged', wrap: (inner) => weightEma({ emaMomentum: 0.7, emaOverwriteFrequency: 4 }, named('inner', inner)) },
  { name: 'normalised', wrap: (inner) => normalizeEma({ base: inner, name: 'wrapped', emaBeta: 0.5 }) },
];

/** The wrapped rule inside a guard of its own: of a rule's own guard a wrapper around it knows nothing. */
export const guarded = (subject: Subject, wrapper: Wrapper): Transform => skipNonFinite(named('all', wrapper.wrap(subject.make())));
