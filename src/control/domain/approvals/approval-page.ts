import { formatTime } from '../../../kernel/times.js';
import type { Approval } from './approval.js';
import { seenBy } from './privacy.js';
import { statusAt } from './transitions.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The one style of the page; its digest is in the policy of what the page may load, and nothing else is. */
export const PAGE_STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
dt{font-weight:600;margin-top:.6rem}dd{margin:0;overflow-wrap:anywhere}
button,input{font:inherit;padding:.5rem 1rem;margin:.5rem .5rem .5rem 0;border:2px solid #222;border-radius:.3rem;background:#fff;color:#111;min-width:9rem}
input{width:100%;box-sizing:border-box}
:focus-visible{outline:4px solid #0a58ca;outline-offset:2px}
.note{border-left:.3rem solid #555;padding:.2rem .8rem;background:#f3f3f3}
li{margin:.6rem 0}`;

/** Text as it is in HTML, whatever it holds. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** What a page shows above its content. */
export interface PageNote {
  readonly role: 'status' | 'alert';
  readonly text: string;
}

export function loginPage(zone: string, note?: PageNote): string {
  return page(
    'Sign in to decide approvals',
    `${noteOf(note)}<form method="post" action="/approve/${zone}/login">
<p><label for="token">Admin token with the capability <strong>approve</strong></label>
<input id="token" name="token" type="password" autocomplete="off" required autofocus></p>
<p><button type="submit">Sign in</button></p></form>`,
  );
}

export interface ListedApprovals {
  readonly zone: string;
  readonly csrf: string;
  readonly approvals: readonly Approval[];
  readonly applicationName: (id: string) => string;
}

export function listPage({ zone, csrf, approvals, applicationName }: ListedApprovals, note?: PageNote): string {
  const items = approvals.map(
    ({ id, application, scopes, expiresAt }) =>
      `<li><a href="/approve/${zone}/${id}">${escapeHtml(applicationName(application))}: ${escapeHtml(scopes.join(' '))}</a> until ${formatTime(expiresAt)}</li>`,
  );
  const list = items.length === 0 ? '<p>Nothing waits for a decision.</p>' : `<ul>${items.join('\n')}</ul>`;
  return page(
    `Approvals of ${escapeHtml(zone)}`,
    `${noteOf(note)}${list}<form method="post" action="/approve/${zone}/logout">${hidden('csrf', csrf)}<button type="submit">Sign out</button></form>`,
  );
}

export interface ShownApproval {
  readonly zone: string;
  readonly csrf: string;
  readonly approval: Approval;
  readonly applicationName: string;
  readonly now: number;
}

/** One approval with what the server knows of it. What the requester says of itself is marked as such. */
export function approvalPage(shown: ShownApproval, note?: PageNote): string {
  const { zone, csrf, applicationName, now } = shown;
  const approval = seenBy(shown.approval, 'operator');
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Application', `${applicationName} (${approval.application})`],
    ['Session', approval.session],
    ['Working for', approval.subject],
    ['Resource', approval.resources.map((held) => held.identifier).join(', ')],
    ['Scopes', approval.scopes.join(' ')],
    ['Operation', operationText(approval)],
    ['Authorization details', approval.authorizationDetails && JSON.stringify(approval.authorizationDetails)],
    ['Decisions so far', `${approval.decisions.length} of ${approval.quorum}`],
    ['Asked for', formatTime(approval.createdAt)],
    ['Waits until', formatTime(approval.expiresAt)],
    ['Binding', approval.binding],
    ['Code of the requester (its own word)', approval.message],
  ];
  const rows = facts.map(([name, value]) =>
    value === undefined ? '' : `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  const status = statusAt(approval, now);
  const decision =
    status === 'pending' ? decisionForm(zone, csrf, approval) : `<p class="note">This approval is ${status}.</p>`;
  return page(
    'Decide an approval',
    `${noteOf(note)}<dl>${rows.join('\n')}</dl>${decision}<p><a href="/approve/${zone}">All approvals of ${escapeHtml(zone)}</a></p>`,
  );
}

function decisionForm(zone: string, csrf: string, { id, binding }: Approval): string {
  return `<form method="post" action="/approve/${zone}/${id}">${hidden('csrf', csrf)}${hidden('binding', binding)}
<p><label for="reason">Reason (optional)</label><input id="reason" name="reason" maxlength="500" autocomplete="off"></p>
<p><button type="submit" name="decision" value="deny">Deny</button><button type="submit" name="decision" value="approve">Approve</button></p></form>`;
}

function operationText({ operation }: Approval): string | undefined {
  if (!operation) return undefined;
  const { method, path, template, mcp, body_digest: body } = operation;
  return [method, path ?? template, mcp && JSON.stringify(mcp), body && `body ${body as string}`]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;
}

function noteOf(note: PageNote | undefined): string {
  return note ? `<p class="note" role="${note.role}">${escapeHtml(note.text)}</p>` : '';
}

function page(title: string, main: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${PAGE_STYLE}</style></head><body><main><h1>${title}</h1>${main}</main></body></html>`;
}
