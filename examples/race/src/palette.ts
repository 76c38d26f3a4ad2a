/** Colours that can be told apart on white and on black, of the race, the sweep and the site; an optimizer and its normalize-EMA are neighbours. */
const colours: Readonly<Record<string, string>> = {
  sgd: '#868e96',
  'sgd-momentum': '#868e96',
  adamw: '#3b7dd8',
  'adamw-normalize-ema': '#22b8cf',
  soap: '#e8890c',
  'soap-normalize-ema': '#e03070',
  muon: '#2b8a3e',
  'muon-normalize-ema': '#82c91e',
  'lm-adagrad': '#7048e8',
  'lm-adagrad-normalize-ema': '#c47ae8',
  lre: '#b8960c',
  oblique: '#0ca678',
  stiefel: '#c92a2a',
  'psgd-kron': '#a0643c',
  'kl-soap': '#b8960c',
  'nor-muon': '#5c940d',
  lion: '#0ca678',
  adan: '#1098ad',
  ademamix: '#22b8cf',
  prodigy: '#ae3ec9',
  'schedule-free-adamw': '#c47ae8',
  shampoo: '#c92a2a',
  splus: '#e64980',
};

/** Others go round the circle by their name. */
export const colourOf = (optimizer: string): string =>
  colours[optimizer] ?? `hsl(${[...optimizer].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7)} 60% 50%)`;
