import type { Command } from './command.js';

/** Who grants, as far as it matters here. */
export interface Granter {
  readonly capabilities: ReadonlySet<string>;
  readonly zones?: ReadonlySet<string> | undefined;
  /** Set when it is an agent. */
  readonly agent?: unknown;
}

/**
 * Whether an administrator may grant a command: only what it could do itself, so that no token widens by way of an agent. A command of no zone
 * is for global tokens to grant; an agent grants no commands at all, or one command would be worth all of them.
 */
export function mayGrantCommand(granter: Granter, command: Pick<Command, 'capability' | 'zone'> | undefined): boolean {
  if (!command || granter.agent !== undefined) return false;
  if (command.zone === 'global' && granter.zones !== undefined) return false;
  const { capabilities } = granter;
  if (capabilities.has('bootstrap') || capabilities.has(command.capability)) return true;
  return command.capability === 'read' && capabilities.has('write');
}
