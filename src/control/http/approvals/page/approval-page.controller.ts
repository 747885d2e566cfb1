import { createHash } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OperatorSessions, type OperatorSession } from '../../../../auth/index.js';
import { AppError } from '../../../../kernel/app-error.js';
import { Form, OperatorPage, requestFacts } from '../../../../platform/http/index.js';
import { ApprovalDecisions } from '../../../approvals/approval-decisions.js';
import { ApprovalLists } from '../../../approvals/approval-lists.js';
import { Catalogue } from '../../../catalogue/catalogue.js';
import {
  approvalPage,
  listPage,
  loginPage,
  PAGE_STYLE,
  type PageNote,
} from '../../../domain/approvals/approval-page.js';
import { isSlug } from '../../../domain/slug.js';
import { isOwnForm, readCookie, writeCookie } from './operator-cookie.js';

const SESSION_SECONDS = 1_800;
const MOST_SHOWN = 199;
const STYLE_DIGEST = createHash('sha256').update(PAGE_STYLE, 'utf8').digest('base64');
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
const REASON = /^\P{Cc}{0,500}$/u;

interface ApprovalPath {
  readonly zone: string;
  readonly id: string;
}

/** Where people decide approvals: plain pages without a script, signed in to with an admin token that may approve. */
@Controller('approve/:zone')
export class ApprovalPageController {
  constructor(
    private readonly sessions: OperatorSessions,
    private readonly lists: ApprovalLists,
    private readonly decisions: ApprovalDecisions,
    private readonly catalogue: Catalogue,
  ) {}

  @Get()
  @OperatorPage()
  async list(@Param('zone') zone: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const session = await this.session(zone, request);
    if (!session) return show(reply, loginPage(zone));
    const view = await this.catalogue.zone(zone);
    const approvals = await this.lists.list(zone, { status: 'pending' }, { limit: MOST_SHOWN });
    const applicationName = (id: string): string => view?.application(id)?.name ?? id;
    show(reply, listPage({ zone, csrf: session.csrf, approvals, applicationName }));
  }

  @Get(':id')
  @OperatorPage()
  async one(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.session(zone, request);
    if (!session) return show(reply, loginPage(zone));
    await this.showApproval(reply, session, { zone, id });
  }

  @Post('login')
  @HttpCode(200)
  @OperatorPage()
  async login(
    @Param('zone') zone: string,
    @Body() form: Form,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    requireZoneName(zone);
    requireOwnForm(request);
    const { address } = requestFacts(request);
    const cookie = await this.sessions.open(form.values('token')[0] ?? '', { zone, address });
    if (cookie === undefined)
      return show(reply, loginPage(zone, { role: 'alert', text: 'This token may not decide approvals here.' }), 403);
    writeCookie(request, reply, cookie, SESSION_SECONDS);
    seeOther(reply, `/approve/${zone}`);
  }

  @Post('logout')
  @OperatorPage()
  async logout(
    @Param('zone') zone: string,
    @Body() form: Form,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.requireForm(zone, form, request);
    writeCookie(request, reply, '', 0);
    seeOther(reply, `/approve/${zone}`);
  }

  @Post(':id')
  @HttpCode(200)
  @OperatorPage()
  async decide(
    @Param() { zone, id }: ApprovalPath,
    @Body() form: Form,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.requireForm(zone, form, request);
    const [decision = '', binding = '', reason = ''] = ['decision', 'binding', 'reason'].map(
      (name) => form.values(name)[0],
    );
    if ((decision !== 'approve' && decision !== 'deny') || !REASON.test(reason))
      throw new AppError('invalid_request', 'The form is not acceptable.');
    const call = { actor: session.admin, origin: requestFacts(request) };
    const asked = {
      zone,
      id: (await this.lists.get(zone, id)).id,
      decision,
      binding,
      ...(reason === '' ? {} : { reason }),
    } as const;
    const note = await this.decisions.asOperator(call, asked).then(
      (approval): PageNote => ({
        role: 'status',
        text: `Your decision is recorded: the approval is ${approval.status}.`,
      }),
      refusalNote,
    );
    await this.showApproval(reply, session, { zone, id }, note);
  }

  private async showApproval(
    reply: FastifyReply,
    { csrf }: OperatorSession,
    { zone, id }: { readonly zone: string; readonly id: string },
    note?: PageNote,
  ): Promise<void> {
    const approval = await this.lists.get(zone, id);
    const name = (await this.catalogue.zone(zone))?.application(approval.application)?.name ?? 'unknown';
    const shown = { zone, csrf, approval, applicationName: name, now: this.lists.now };
    show(reply, approvalPage(shown, note), note?.role === 'alert' ? 409 : 200);
  }

  private async session(zone: string, request: FastifyRequest): Promise<OperatorSession | undefined> {
    requireZoneName(zone);
    const cookie = readCookie(request);
    return cookie === undefined
      ? undefined
      : this.sessions.read(cookie, { zone, address: requestFacts(request).address });
  }

  /** Throws `access_denied` for a form that is not this session's own. */
  private async requireForm(zone: string, form: Form, request: FastifyRequest): Promise<OperatorSession> {
    const session = await this.session(zone, request);
    if (!session || !isOwnForm(request) || !this.sessions.matches(session, form.values('csrf')[0] ?? ''))
      throw new AppError('access_denied', 'The form is not of this session; sign in again.');
    return session;
  }
}

/** Everything that is written into a page as it is must be a slug. */
function requireZoneName(zone: string): void {
  if (!isSlug(zone)) throw new AppError('not_found', 'There is no such zone.');
}

function requireOwnForm(request: FastifyRequest): void {
  if (!isOwnForm(request)) throw new AppError('access_denied', 'The form comes from another site.');
}

function refusalNote(error: unknown): PageNote {
  if (error instanceof AppError && error.code !== 'temporarily_unavailable')
    return { role: 'alert', text: error.publicDetail };
  throw error;
}

function show(reply: FastifyReply, html: string, status = 200): void {
  void reply
    .code(status)
    .header('content-security-policy', POLICY)
    // Without a referrer a browser calls the origin of its own form null.
    .header('referrer-policy', 'same-origin')
    .type('text/html; charset=utf-8')
    .send(html);
}

function seeOther(reply: FastifyReply, location: string): void {
  void reply.code(303).header('content-security-policy', POLICY).header('location', location).send();
}
