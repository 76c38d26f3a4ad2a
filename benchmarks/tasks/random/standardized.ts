/** Values minus their mean, divided by their population standard deviation, in float64. */
export function standardized(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centred = values.map((value) => value - mean);
  const deviation = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0) / values.length);
  return centred.map((value) => value / deviation);
}
