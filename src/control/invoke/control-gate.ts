import { lstat } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../platform/config/index.js';
import type { RouteGate } from '../../platform/http/index.js';
import { gateFault, type GateFileStat } from './domain/gate-file.js';

/** Whether the control endpoint serves at all; asked anew on each request, so that taking the file away shuts it at once. */
@Injectable()
export class ControlGate implements RouteGate {
  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  /** True when control was ever switched on by the configuration; the file is not looked at. */
  get enabled(): boolean {
    return this.config.control.enabled;
  }

  async fault(): Promise<string | undefined> {
    const { enabled, gateFile } = this.config.control;
    if (!enabled) return 'CONTROL_ENABLED is not true';
    if (gateFile === undefined) return 'CONTROL_GATE_FILE is not set';
    return gateFault(await statOf(gateFile), process.getuid?.());
  }
}

/** Whatever keeps the file from being looked at is as good as no file. */
async function statOf(path: string): Promise<GateFileStat | undefined> {
  try {
    const stat = await lstat(path);
    return { regular: stat.isFile(), mode: stat.mode, owner: stat.uid };
  } catch {
    return undefined;
  }
}
