import { describe, expect, it } from 'vitest';
import { optimizers } from '../optimizers/optimizers.ts';
import { programsOf } from '../optimizers/programs.ts';
import { documentationOf } from './documented.ts';
import { recordedCases, recordedOf } from './recorded.ts';

const each = optimizers.map((optimizer) => [optimizer.name, optimizer] as const);

describe('what the source says about', () => {
  it.each(each)('%s is found, and every default it names is the one that runs', (_, optimizer) => {
    const { text, options } = documentationOf(optimizer);
    expect(text.length).toBeGreaterThan(20);
    const { hyperparameters } = programsOf(optimizer).explanation;
    for (const { name, about } of options) {
      const said = /default (\d[\d.e-]*\d|\d)(?![\d.]*[⁰-⁹])/.exec(about)?.[1];
      const runs = hyperparameters[name];
      // What the page's own call sets is not a default.
      if (said === undefined || typeof runs !== 'number' || optimizer.written.includes(name) || optimizer.name === 'klSoap') continue;
      expect(runs, `${name}: ${about}`).toBe(Number(said));
    }
  });

  it('all but two, whose options are written elsewhere, names options', () => {
    expect(optimizers.filter((optimizer) => documentationOf(optimizer).options.length === 0).map(({ name }) => name)).toEqual([
      'cautious',
      'klShampoo',
    ]);
  });
});

describe('recorded runs', () => {
  it('are counted, and go to the optimizers they are of', () => {
    expect(recordedCases.length).toBeGreaterThan(300);
    const soap = optimizers.find(({ name }) => name === 'soap');
    expect(soap && recordedOf(soap).find(({ reference }) => reference === 'nikhilvyas/SOAP')?.cases).toBe(15);
  });
});
