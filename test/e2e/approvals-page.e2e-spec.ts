import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import { created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

/** A browser is optional; `npm test` says what it left out. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let api: SceneResource;
let approver: string;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client({ name: 'Billing <b>bot</b>' });
  api = await scene.resource(['write']);
  await scene.grant(client, api, ['write']);
  await activate(scene, PERMIT, needs('operator', 'write'));
  const made = await app.admin('POST', '/v1/admin-tokens', {
    name: 'a',
    capabilities: ['approve'],
    zones: [scene.zone],
  });
  approver = created(made).token;
});
afterAll(() => app.close());

/** A hold of a session of its own. */
const hold = async (): Promise<string> => {
  const session = await scene.session(await scene.applicationToken(client));
  const { body } = await scene.exchange(client, session.session_token, { resource: api.gateway_url, scope: 'write' });
  return body.approval.id;
};
const statusOf = async (id: string): Promise<string> => ok(await scene.admin('GET', `/approvals/${id}`)).status;
const at = (rest = ''): string => `${app.url}/approve/${scene.zone}${rest}`;
const post = (rest: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(at(rest), { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields), headers });
const signIn = async (token = approver): Promise<string> => {
  const answer = await post('/login', { token });
  expect(answer.status).toBe(303);
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
};
const formOf = async (rest: string, cookie: string): Promise<{ csrf: string; binding: string; html: string }> => {
  const html = await (await fetch(at(rest), { headers: { cookie } })).text();
  const value = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
  return { csrf: value('csrf'), binding: value('binding'), html };
};

describe('the approval page', () => {
  it('[T12] shows nothing but the way in without a session, loads nothing and cannot be framed', async () => {
    const answer = await fetch(at(`/${await hold()}`));
    const html = await answer.text();
    expect(html).toContain('Sign in');
    expect(html).not.toContain(client.id);
    expect(html).not.toMatch(/<script|https?:/);
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('[T12] lets in who may approve there, by a cookie that no script reads', async () => {
    const foreign = await OAuthScene.open(app);
    const tokenFor = async (capabilities: string[], zones: string[]): Promise<string> =>
      created(await app.admin('POST', '/v1/admin-tokens', { name: 'x', capabilities, zones })).token;
    for (const token of [
      '',
      'nonsense',
      await tokenFor(['read', 'write'], [scene.zone]),
      await tokenFor(['approve'], [foreign.zone]),
    ]) {
      const answer = await post('/login', { token });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
    }
    const answer = await post('/login', { token: approver });
    expect(answer.headers.get('set-cookie')).toMatch(
      /^caracal-operator=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1800$/,
    );
    expect(answer.headers.get('set-cookie')).not.toContain(approver);
  });

  it('[T1] takes a decision only from its own form', async () => {
    const id = await hold();
    const cookie = await signIn();
    const { csrf, binding } = await formOf(`/${id}`, cookie);
    const fields = { csrf, binding, decision: 'approve' };
    const other = await formOf(`/${id}`, await signIn());
    const attempts: readonly (readonly [Record<string, string>, Record<string, string>, number])[] = [
      [fields, {}, 403],
      [{ ...fields, csrf: '' }, { cookie }, 403],
      [{ ...fields, csrf: other.csrf }, { cookie }, 403],
      [fields, { cookie, origin: 'https://evil.example' }, 403],
      [fields, { cookie, 'sec-fetch-site': 'cross-site' }, 403],
      [{ ...fields, decision: 'maybe' }, { cookie }, 400],
      [{ ...fields, binding: '0'.repeat(64) }, { cookie }, 409],
    ];
    for (const [form, headers, status] of attempts) expect((await post(`/${id}`, form, headers)).status).toBe(status);
    expect(await statusOf(id)).toBe('pending');
    expect((await post('/login', { token: approver }, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post(`/${id}`, fields, { cookie })).status).toBe(200);
    expect(await statusOf(id)).toBe('approved');
    expect((await post(`/${id}`, fields, { cookie })).status).toBe(409);
  });

  it('[T5] writes what others named as text', async () => {
    const { html } = await formOf(`/${await hold()}`, await signIn());
    expect(html).toContain('Billing &lt;b&gt;bot&lt;/b&gt;');
    expect(html).not.toContain('<b>bot');
  });

  it('[T12] ends with the token behind it', async () => {
    const made = created(
      await app.admin('POST', '/v1/admin-tokens', { name: 'b', capabilities: ['approve'], zones: [scene.zone] }),
    );
    const cookie = await signIn(made.token);
    expect((await formOf('', cookie)).html).toContain('Approvals of');
    await app.admin('DELETE', `/v1/admin-tokens/${made.id}`);
    expect((await formOf('', cookie)).html).toContain('Sign in');
  });
});

const inBrowser = CHROMIUM === undefined ? (_name: string, _tests: () => void): void => undefined : describe;

inBrowser('in a browser, by keyboard', () => {
  let context: BrowserContext;
  let page: Page;
  let profile: string;

  beforeAll(async () => {
    profile = await mkdtemp(path.join(tmpdir(), 'caracal-chromium-'));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM as string,
      args: FLAGS.split(' '),
    });
    page = context.pages()[0] ?? (await context.newPage());
  });
  afterAll(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });

  const focus = async (name: string): Promise<void> => {
    for (let steps = 0; steps < 20; steps += 1) {
      const text = await page.evaluate('document.activeElement?.textContent ?? ""');
      if (typeof text === 'string' && text.startsWith(name)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`no way to ${name} by keyboard`);
  };

  it('a person signs in, reads, denies and approves', async () => {
    const [denied, approved] = [await hold(), await hold()];
    const faults: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
    await page.goto(at());
    // Focus comes with the page's first picture, which a busy machine shows late; what is typed before is lost.
    await page.waitForFunction('document.activeElement?.id === "token"');
    await page.keyboard.type(approver);
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("Approvals of")');
    await page.goto(at(`/${denied}`));
    await focus('Deny');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=status]');
    expect(await statusOf(denied)).toBe('denied');
    await page.goto(at(`/${approved}`));
    await focus('Approve');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=status]');
    expect(await statusOf(approved)).toBe('approved');
    expect(await page.title()).toBe('Decide an approval');
    await focus('All approvals');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("Approvals of")');
    await focus('Sign out');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#token');
    expect(faults).toEqual([]);
  });
});
