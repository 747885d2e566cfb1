import { mkdirSync } from 'node:fs';
import type { AppLogger } from '../logging/index.js';
import { lockDirectory, type OwnerLock } from './ownership/owner-lock.js';
import { occupyElsewhere, placeCluster, type Placement } from './placement.js';

/** A data directory that belongs to this process. */
export interface Occupation {
  readonly placement: Placement;
  readonly release: () => void;
}

/** Makes this process the owner of the data directory and of wherever its cluster is. `onLost` tells that another owner took over. */
export async function occupy(dataDir: string, log: AppLogger, onLost: () => void): Promise<Occupation> {
  mkdirSync(dataDir, { recursive: true });
  const locks: OwnerLock[] = [await lockDirectory(dataDir, onLost)];
  const release = () => locks.reverse().forEach((lock) => lock.release());
  try {
    const placement = placeCluster(dataDir);
    if (placement.elsewhere !== undefined) {
      locks.push(await lockDirectory(placement.elsewhere, onLost));
      const abandoned = occupyElsewhere(dataDir, placement.elsewhere);
      if (abandoned !== undefined)
        log.warn({ abandoned }, 'the database of an earlier data directory of this path was set aside');
    }
    return { placement, release };
  } catch (error) {
    release();
    throw error;
  }
}
