/** A duration in three digits: 2.41 µs, 0.812 ms, 1.24 s. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (Math.abs(seconds) < 1e-4) return `${three(seconds * 1e6)} µs`;
  return Math.abs(seconds) < 1 ? `${three(seconds * 1e3)} ms` : `${three(seconds)} s`;
}

/** Three significant digits, never in powers of ten. */
export function three(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(6, Math.max(0, 2 - digits)));
}

/** Bytes in thousands: 26.4 kB. */
export const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
