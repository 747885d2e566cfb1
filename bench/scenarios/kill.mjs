/** From the request to end a session to the last call that was still accepted. */
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { call } from '../../examples/demo/caracal.mjs';
import { mandateOf, startSession } from '../environment.mjs';
import { median } from '../measure.mjs';

const CALLERS = 16;

/** Calls without pause until it is told to stop; remembers when the last accepted call was begun and when the first refusal came. */
async function keepCalling(pool, { path, headers }, seen) {
  while (!seen.stop) {
    const begun = performance.now();
    const answer = await pool.request({ path, method: 'GET', headers });
    await answer.body.dump();
    if (answer.statusCode === 200) seen.lastAccepted = Math.max(seen.lastAccepted, begun);
    else seen.refused += 1;
  }
}

async function killOnce(env, gatewayUrl) {
  const session = await startSession(env);
  const mandate = await mandateOf(env, session);
  const url = new URL(`${gatewayUrl}/1k`);
  const pool = new Pool(url.origin, { connections: CALLERS });
  const seen = { stop: false, lastAccepted: 0, refused: 0 };
  const callers = Array.from({ length: CALLERS }, () =>
    keepCalling(pool, { path: url.pathname, headers: { authorization: `Bearer ${mandate}` } }, seen),
  );
  await pause(100);
  const asked = performance.now();
  const end = `${env.zone.issuer}/sessions/${session.id}/terminate`;
  const answer = await call('POST', end, { token: session.applicationToken, json: {} });
  const answered = performance.now();
  if (answer.status !== 200) throw new Error(`terminate: ${answer.status} ${JSON.stringify(answer.body)}`);
  await pause(400);
  seen.stop = true;
  await Promise.all(callers);
  await pool.close();
  if (seen.refused === 0) throw new Error('no call was refused after the session had ended');
  // A call may have been begun and accepted before the request to end the session was.
  return {
    afterAnswer: Math.max(0, seen.lastAccepted - answered),
    afterRequest: Math.max(0, seen.lastAccepted - asked),
  };
}

export async function measureKills(env, { kills }, { title, gatewayUrl, goalMs }) {
  const rows = [];
  for (let n = 0; n < kills; n += 1) rows.push(await killOnce(env, gatewayUrl));
  return {
    title,
    value: Math.max(...rows.map((row) => row.afterAnswer)),
    unit: 'ms',
    goal: { atMost: goalMs },
    note: `worst of ${kills}, from the answer to the last accepted call; from the request: median ${median(rows.map((row) => row.afterRequest)).toFixed(1)} ms`,
    rounds: rows,
  };
}
