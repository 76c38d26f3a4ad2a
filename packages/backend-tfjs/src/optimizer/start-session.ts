import { putTogether, size, warn } from '@opt/core';
import { isTfjsBackend } from '../tfjs.ts';
import { type DeviceBackend, deviceSession } from './device-session.ts';
import { type HostBackend, hostSession } from './host-session.ts';
import { nativeSession } from './native-session.ts';
import type { Compute } from './options.ts';
import { parameterKey, type SavedState } from './saved-state.ts';
import type { Session, SessionOptions, SessionParameter } from './session.ts';

/**
 * A session wherever its mathematics is to run, with a state that may know other parameters: newcomers start fresh, leavers are
 * dropped. Variables stay as they are.
 *
 * @throws CheckpointError if the state is that of another transform
 */
export function startSession(
  compute: Compute,
  options: SessionOptions,
  parameters: readonly SessionParameter[],
  state: SavedState | undefined,
): Session {
  const session = sessionOn(compute, options, parameters);
  if (state === undefined) return session;
  try {
    takeOver(session, state);
  } catch (error) {
    session.dispose();
    throw error;
  }
  return session;
}

function sessionOn(compute: Compute, options: SessionOptions, parameters: readonly SessionParameter[]): Session {
  if (isTfjsBackend(compute)) return nativeSession(options, parameters, compute);
  return isOnDevice(compute) ? deviceSession(options, parameters, compute) : hostSession(options, parameters, compute);
}

const isOnDevice = (compute: HostBackend | DeviceBackend): compute is DeviceBackend => compute.read === 'async';

/** The session keeps variables as they are; the file only has to be complete. */
function takeOver(session: Session, { metadata, tensors, parameters }: SavedState): void {
  const all = new Map(tensors);
  for (const { key, shape } of parameters) all.set(parameterKey(key), { shape, data: new Float32Array(size(shape)) });
  const { fresh } = session.load(putTogether({ metadata, tensors: all }));
  const anew = fresh.filter((key) => key.endsWith(':*')).map((key) => key.slice(0, -2));
  if (anew.length > 0) warn(`toTfjsOptimizer: ${anew.join(', ')}: what joins all variables starts anew when some come or go`);
}
