import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { measureLosses } from './losses.ts';
import { measureSpeed, soapHolds } from './speed.ts';

/** Bytes, step times and losses of narrow state. `speed` or `losses` measures one of them; what was measured goes into the results on record. */
const file = new URL('../results/narrow.json', import.meta.url);
const known: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const before = typeof known === 'object' && known !== null ? known : {};
const sections = process.argv.slice(2);
const wanted = (section: string): boolean => sections.length === 0 || sections.includes(section);

const speed = wanted('speed') ? { speed: await measureSpeed(7) } : {};
if ('speed' in speed) console.table(speed.speed);
const losses = wanted('losses') ? { losses: await measureLosses(soapHolds, console.log) } : {};
if ('losses' in losses) console.table(losses.losses);
writeFileSync(file, `${JSON.stringify({ ...before, ...speed, ...losses }, undefined, 2)}\n`);
