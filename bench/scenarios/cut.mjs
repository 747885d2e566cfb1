/** From the commit that ends a session to the end of what was open under it, as its callers see it. */
import { once } from 'node:events';
import { get } from 'node:http';
import pg from 'pg';
import { call } from '../../examples/demo/caracal.mjs';
import { mandateOf, startSession } from '../environment.mjs';
import { median } from '../measure.mjs';

const STREAMS = 32;
const GOAL_MS = 50;

/** Events that flow; `cutAt` is when their connection ended. */
function openEvents(url, headers) {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`events: ${answer.statusCode}`));
      const stream = {};
      stream.cut = new Promise((done) => {
        answer.on('close', () => {
          stream.cutAt = performance.now();
          done();
        });
      });
      answer.on('error', () => undefined);
      answer.on('data', () => resolve(stream));
    });
    request.on('error', reject);
  });
}

async function cutOnce(env, listener) {
  const session = await startSession(env);
  const headers = { authorization: `Bearer ${await mandateOf(env, session)}` };
  const url = `${env.resource.gateway_url}/events`;
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => openEvents(url, headers)));
  const committed = once(listener, 'notification').then(() => performance.now());
  const asked = performance.now();
  const end = `${env.zone.issuer}/sessions/${session.id}/terminate`;
  const answer = await call('POST', end, { token: session.applicationToken, json: {} });
  const answered = performance.now();
  if (answer.status !== 200) throw new Error(`terminate: ${answer.status} ${JSON.stringify(answer.body)}`);
  await Promise.all(streams.map((stream) => stream.cut));
  const last = Math.max(...streams.map((stream) => stream.cutAt));
  return {
    afterCommit: Math.max(0, last - (await committed)),
    afterAnswer: Math.max(0, last - answered),
    afterRequest: last - asked,
  };
}

/** The database itself tells when the change has committed: its notification is sent by the commit and heard here, a little later. */
export async function cut(env, { kills }) {
  const listener = new pg.Client({ connectionString: env.dsn });
  await listener.connect();
  await listener.query('LISTEN caracal_changes');
  const rows = [];
  try {
    for (let n = 0; n < kills; n += 1) rows.push(await cutOnce(env, listener));
  } finally {
    await listener.end();
  }
  const worst = (name) => Math.max(...rows.map((row) => row[name]));
  const usual = (name) => median(rows.map((row) => row[name])).toFixed(1);
  return {
    title: 'open streams, commit → cut',
    value: worst('afterCommit'),
    unit: 'ms',
    goal: { atMost: GOAL_MS },
    note: `worst of ${kills} × ${STREAMS} streams; median ${usual('afterCommit')} ms, from the request ${usual('afterRequest')} ms, after its answer at most ${worst('afterAnswer').toFixed(1)} ms`,
    rounds: rows,
  };
}
