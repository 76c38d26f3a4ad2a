import { acgan } from './models/acgan.ts';
import { additionRnn } from './models/addition-rnn.ts';
import { cartPole } from './models/cart-pole.ts';
import { dateConversion } from './models/date-conversion.ts';
import { iris } from './models/iris.ts';
import { jenaWeather } from './models/jena-weather.ts';
import { mnist } from './models/mnist.ts';
import { polynomialRegression } from './models/polynomial-regression.ts';
import { sentiment } from './models/sentiment.ts';
import { textGeneration } from './models/text-generation.ts';
import { transferLearning } from './models/transfer-learning.ts';
import { vae } from './models/vae.ts';
import type { Program } from './program.ts';

export const programs: readonly Program[] = [
  iris,
  polynomialRegression,
  mnist,
  transferLearning,
  sentiment,
  jenaWeather,
  additionRnn,
  textGeneration,
  dateConversion,
  vae,
  acgan,
  cartPole,
];
