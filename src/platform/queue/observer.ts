/** What the queues tell the outside about themselves. Nothing here may throw. */
export interface QueueObserver {
  /** A job ended: its effect was made, it had been made before, or it went to the dead letters. */
  ended(queue: string, outcome: 'done' | 'dead'): void;
  /** A message went to the dead letters. */
  buried(queue: string, reason: string): void;
  /** A message could not be handled now and will be tried again. */
  retried(queue: string, kind: 'infrastructure' | 'unexpected', code: string): void;
  /** The backend of a queue reported a fault: it is being reconnected to. */
  backendFault(queue: string, code: string): void;
}
