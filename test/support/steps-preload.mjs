/**
 * Preloaded into a built server by tests, never part of it: holds what happens in a zone at one step until the process is killed there, and
 * sets the process's wall clock.
 */
import { AuditedChanges } from '../../dist/audit/audited-changes.js';
import { AuditLedger } from '../../dist/audit/audit-ledger.js';
import { TokenSigner } from '../../dist/auth/token-signer.js';
import { IdempotencyStore } from '../../dist/platform/http/idempotency/idempotency-store.js';
import { Settlement } from '../../dist/coordinator/jobs/settlement.js';
import { Queues } from '../../dist/platform/queue/queues.js';

/** Where something of a zone is to be held: zone → steps. */
const armed = new Map();
let skewMs = 0;

const wallClock = Date.now;
Date.now = () => wallClock() + skewMs;

process.on('message', ({ ask, arm, skew }) => {
  if (arm) armed.set(arm.zone, new Set(arm.steps));
  if (skew !== undefined) skewMs = skew;
  process.send({ done: ask });
});
process.channel.unref();

async function pass(zone, step) {
  if (!armed.get(zone)?.delete(step)) return;
  process.send({ held: zone, step });
  await new Promise(() => {});
}

/** Holds before and after a method; `zoneOf` finds the zone among its arguments. */
function around(prototype, name, steps, zoneOf) {
  const original = prototype[name];
  prototype[name] = async function held(...args) {
    await pass(zoneOf(...args), steps[0]);
    const answer = await original.apply(this, args);
    await pass(zoneOf(...args), steps[1]);
    return answer;
  };
}

const watched = new WeakSet();
const run = AuditedChanges.prototype.run;
AuditedChanges.prototype.run = function watchedRun(zone, work) {
  if (!watched.has(this)) this.onStep(pass);
  watched.add(this);
  return run.call(this, zone, work);
};
around(AuditLedger.prototype, 'append', ['unlogged', 'logged'], (draft) => draft.zone);
around(TokenSigner.prototype, 'sign', ['unsigned', 'signed'], (zone) => zone);
around(Queues.prototype, 'send', ['claimed', 'sent'], (message) => message.zone);
around(IdempotencyStore.prototype, 'answer', ['answered', 'kept'], (scope) => scope.zone);
around(Settlement.prototype, 'settleUnder', ['consumed', 'settled'], (zone) => zone);
