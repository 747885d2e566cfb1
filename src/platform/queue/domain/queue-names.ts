/** The queues of the process; a new one is added here and in the pool budget (ADR 9). No name may contain `:`. */
export const QUEUE_NAMES = ['audit', 'lifecycle', 'revocation', 'delivery', 'maintenance', 'exports'] as const;

export type QueueName = (typeof QUEUE_NAMES)[number];
