/** Answers per second in a closed loop, and latencies at half of that in an open one, beside a ruler that takes turns. */
import { mandateOf, startSession } from '../environment.mjs';
import { latencies, throughputs } from '../measure.mjs';

const FORM = 'application/x-www-form-urlencoded';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const HELLO_NAME = 'node:http hello';
const OIDC_NAME = 'oidc-provider';
const PROXY_NAME = 'bare undici proxy';

const basic = ({ client_id: id, client_secret: secret }) =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

function tokenRequest(env, form) {
  const headers = { authorization: basic(env.client), 'content-type': FORM };
  return {
    url: env.oauth.metadata.token_endpoint,
    method: 'POST',
    headers,
    body: new URLSearchParams(form).toString(),
  };
}

const oidcRequest = (env) => ({
  url: `${env.oidc}/token`,
  method: 'POST',
  headers: {
    authorization: basic({ client_id: 'bench', client_secret: 'bench-secret-bench-secret-bench-secret' }),
    'content-type': FORM,
  },
  body: 'grant_type=client_credentials',
});

const subjects = {
  issuance: async (env) => tokenRequest(env, { grant_type: 'client_credentials' }),
  exchange: async (env) => {
    const session = await startSession(env);
    const subject = { subject_token: session.session_token, subject_token_type: ACCESS_TOKEN };
    return tokenRequest(env, { grant_type: EXCHANGE, ...subject, resource: env.resource.identifier });
  },
  gateway: async (env) => {
    const mandate = await mandateOf(env, await startSession(env));
    return { url: `${env.resource.gateway_url}/1k`, headers: { authorization: `Bearer ${mandate}` } };
  },
  introspection: async (env) => {
    const { access_token: token } = (await env.oauth.clientCredentials()).body;
    const headers = { authorization: basic(env.client), 'content-type': FORM };
    return {
      url: env.oauth.metadata.introspection_endpoint,
      method: 'POST',
      headers,
      body: new URLSearchParams({ token }).toString(),
    };
  },
};

/** A request that can be made over and over. */
export const targetOf = (subject, env) => subjects[subject](env);

/** One row: the subject against its ruler in the same run, and what each adds at half of the subject's own rate. */
async function compare(env, options, { title, subject, ruler, goal }) {
  const targets = { subject: () => subjects[subject](env), ruler: async () => ruler.make(env) };
  const closed = await throughputs(targets, options);
  const rate = closed.subject.perSecond / 2;
  const open = await latencies(targets, rate, options);
  const added = { p50: open.subject.p50 - open.ruler.p50, p99: open.subject.p99 - open.ruler.p99 };
  return {
    title,
    value: closed.subject.perSecond,
    unit: '/s',
    ruler: ruler.name,
    rulerValue: closed.ruler.perSecond,
    ratio: closed.subject.perSecond / closed.ruler.perSecond,
    goal,
    latency: { rate, subject: open.subject, ruler: open.ruler, added },
    rounds: { subject: closed.subject.rounds, ruler: closed.ruler.rounds },
  };
}

const hello = { name: HELLO_NAME, make: (env) => ({ url: `${env.upstream}/hello` }) };
const oidc = { name: OIDC_NAME, make: oidcRequest };
const proxy = { name: PROXY_NAME, make: (env) => ({ url: `${env.proxy}/1k` }) };

export const throughputScenarios = {
  issuance: (env, options) =>
    compare(env, options, {
      title: 'client_credentials, audited',
      subject: 'issuance',
      ruler: oidc,
      goal: { ratio: 1.2 },
    }),
  exchange: (env, options) =>
    compare(env, options, {
      title: `token exchange, ${env.policies}`,
      subject: 'exchange',
      ruler: oidc,
      goal: { ratio: 1, atLeast: 2_000 },
    }),
  gateway: (env, options) =>
    compare(env, options, {
      title: 'governed GET 1 KB',
      subject: 'gateway',
      ruler: proxy,
      goal: { ratio: 0.5, atLeast: 2_000, addedP50: 1, addedP99: 6 },
    }),
  introspection: (env, options) =>
    compare(env, options, { title: 'introspection', subject: 'introspection', ruler: hello, goal: { ratio: 0.2 } }),
  rulers: async (env, options) => {
    const closed = await throughputs(
      { hello: async () => hello.make(env), proxy: async () => proxy.make(env) },
      options,
    );
    return {
      title: PROXY_NAME,
      value: closed.proxy.perSecond,
      unit: '/s',
      ruler: HELLO_NAME,
      rulerValue: closed.hello.perSecond,
      ratio: closed.proxy.perSecond / closed.hello.perSecond,
      goal: {},
    };
  },
};
