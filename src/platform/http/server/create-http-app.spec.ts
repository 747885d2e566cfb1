import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, HttpCode, Module, Param, Patch, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IsInt, IsString, Length } from 'class-validator';
import { AppError } from '../../../kernel/app-error.js';
import { OAuthError } from '../../../kernel/oauth-error.js';
import { Form, OAuthClient, Precondition, Public, conditionalParam, createHttpApp, requireIfMatch } from '../index.js';

class ThingDto {
  @IsString()
  @Length(1, 10)
  name!: string;

  @IsInt()
  size!: number;
}

const IfMatch = conditionalParam((_, context) => requireIfMatch(context.switchToHttp().getRequest()));

@Controller()
class ThingsController {
  @Public()
  @Get('v1/things/:id')
  read(@Param('id') id: string) {
    if (id === 'missing') throw new AppError('not_found', 'There is no such thing.', { detail: 'secret detail' });
    if (id === 'broken') throw new Error('secret cause');
    return { id };
  }

  @Public()
  @Post('v1/things')
  create(@Body() body: ThingDto) {
    return { made: body instanceof ThingDto, ...body };
  }

  @Public()
  @Patch('v1/things/:id')
  update(@IfMatch() condition: Precondition) {
    condition.assert(3);
    return {};
  }

  @OAuthClient()
  @HttpCode(200)
  @Post('z/:zone/oauth2/token')
  token(@Body() form: Form) {
    if (form.values('fail').length > 0) throw new OAuthError('invalid_client', 'No.', { detail: 'secret detail' });
    if (form.values('break').length > 0) throw new Error('secret cause');
    return { pairs: form.pairs };
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

const FORM = 'application/x-www-form-urlencoded';
const ROUTES = ['GET /v1/things/:id', 'POST /v1/things', 'PATCH /v1/things/:id'];

describe('the HTTP edge', () => {
  let app: NestFastifyApplication;
  const lines: object[] = [];

  beforeEach(async () => {
    lines.length = 0;
    const log = { info: (fields: object) => lines.push(fields), error: (fields: object) => lines.push(fields) };
    app = await createHttpApp(ThingsModule, {
      settings: { trustProxy: [] },
      base: () => 'http://base',
      log,
      publicRoutes: ROUTES,
    });
  });

  afterEach(() => app.close());

  const json = (payload: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    app.inject({ method: 'POST', url: '/v1/things', payload, headers });
  const form = (payload: string, headers: Record<string, string> = {}, query = '') =>
    app.inject({
      method: 'POST',
      url: `/z/a/oauth2/token${query}`,
      payload,
      headers: { 'content-type': FORM, ...headers },
    });

  it('answers a refusal with every member of a problem document (RFC 9457 §3.1)', async () => {
    const answer = await app.inject({ url: '/v1/things/missing', headers: { 'x-request-id': 'abc' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toEqual({
      type: 'http://base/problems/not_found',
      title: 'Not found',
      status: 404,
      detail: 'There is no such thing.',
      instance: 'abc',
      code: 'not_found',
    });
  });

  it('[T5] says nothing about an error that nobody meant, and logs it', async () => {
    const answer = await app.inject('/v1/things/broken');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ code: 'server_error', detail: 'The server failed to answer.' });
    expect(answer.body).not.toContain('secret');
    expect(lines).toContainEqual(
      expect.objectContaining({ err: expect.objectContaining({ message: 'secret cause' }) }),
    );
  });

  it.each([
    ['kept when printable', 'caller 1', 'caller 1'],
    ['replaced when too long', 'x'.repeat(129), undefined],
    ['replaced when empty', '', undefined],
  ])('echoes a request id: %s', async (_name, sent, echoed) => {
    const { headers } = await app.inject({ url: '/v1/things/1', headers: { 'x-request-id': sent } });
    if (echoed === undefined) expect(headers['x-request-id']).toMatch(/^req_[0-9a-f-]{36}$/);
    else expect(headers['x-request-id']).toBe(echoed);
  });

  it('answers a wrong method with 405 and the methods there are (RFC 9110 §15.5.6)', async () => {
    const answer = await app.inject({ method: 'PUT', url: '/v1/things/1' });
    expect([answer.statusCode, answer.headers['allow'], answer.json().code]).toEqual([
      405,
      'GET, HEAD, PATCH',
      'method_not_allowed',
    ]);
    const unknown = await app.inject({ method: 'PUT', url: '/nothing/here' });
    expect([unknown.statusCode, unknown.headers['allow'], unknown.json().code]).toEqual([404, undefined, 'not_found']);
  });

  it.each([
    ['no JSON', '{', 400, 'invalid_request'],
    ['a duplicate member', '{"name":"a","name":"b","size":1}', 400, 'invalid_request'],
    ['a member that reaches the prototype', '{"name":"a","size":1,"__proto__":{"x":1}}', 400, 'invalid_request'],
    ['ill-formed UTF-8', Buffer.from('{"name":"\xff","size":1}', 'latin1'), 400, 'invalid_request'],
    ['an array', '[]', 400, 'invalid_request'],
    ['a bare string', '"a"', 400, 'invalid_request'],
    ['null', 'null', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['deep nesting', `{"name":${'['.repeat(40)}${']'.repeat(40)}}`, 400, 'invalid_request'],
    ['more than its limit', `{"name":"${'a'.repeat(256 * 1024)}"}`, 413, 'request_too_large'],
  ])('[T8] refuses a body that is %s', async (_name, payload, status, code) => {
    const answer = await json(payload);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });

  it.each([
    ['text/plain', 415],
    [FORM, 415],
    ['application/json; charset=latin1', 415],
    ['application/json; charset=utf-8', 201],
    ['application/problem+json', 415],
    ['nonsense', 415],
  ])('goes by the media type %s', async (type, status) => {
    const answer = await json('{"name":"a","size":1}', { 'content-type': type });
    expect(answer.statusCode).toBe(status);
  });

  it('refuses a compressed body', async () => {
    const answer = await json('{"name":"a","size":1}', {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it('names every fault of a body and converts nothing', async () => {
    const answer = await json('{"name":"","size":"1","more":true}');
    expect(answer.statusCode).toBe(400);
    const fields = (answer.json().errors as { field: string }[]).map(({ field }) => field).sort();
    expect(fields).toEqual(['more', 'name', 'size']);
  });

  it('hands a valid body to the handler as its DTO', async () => {
    const answer = await json('{"name":"a","size":1}');
    expect([answer.statusCode, answer.json()]).toEqual([201, { made: true, name: 'a', size: 1 }]);
  });

  it.each([
    [undefined, 428, 'precondition_required'],
    ['"2"', 412, 'precondition_failed'],
    ['W/"3"', 412, 'precondition_failed'],
    ['nonsense', 412, 'precondition_failed'],
    ['"2", "3"', 200, undefined],
    ['*', 200, undefined],
  ])('updates under If-Match %s with %d', async (tag, status, code) => {
    const answer = await app.inject({
      method: 'PATCH',
      url: '/v1/things/1',
      headers: tag === undefined ? {} : { 'if-match': tag },
    });
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });

  it('hands a form to an OAuth endpoint pair by pair, repeats included', async () => {
    const answer = await form('scope=a+b&resource=x&resource=y%26&&empty');
    expect(answer.json()).toEqual({
      pairs: [
        ['scope', 'a b'],
        ['resource', 'x'],
        ['resource', 'y&'],
        ['empty', ''],
      ],
    });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it.each([
    ['ill-formed percent-encoding', 'a=%zz', {}, 400],
    ['ill-formed UTF-8', 'a=%ff', {}, 400],
    ['a NUL', 'a=%00', {}, 400],
    ['more than 1000 parameters', Array.from({ length: 1001 }, (_, index) => `p${index}=1`).join('&'), {}, 400],
    ['another media type', '{}', { 'content-type': 'application/json' }, 415],
    ['more than 64 KiB', `a=${'a'.repeat(65 * 1024)}`, {}, 413],
  ])('refuses a form with %s as invalid_request (RFC 6749 §5.2)', async (_name, payload, headers, status) => {
    const answer = await form(payload, headers);
    expect([answer.statusCode, answer.json().error]).toEqual([status, 'invalid_request']);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('refuses a missing content type and a query string at an OAuth endpoint', async () => {
    const bare = await app.inject({ method: 'POST', url: '/z/a/oauth2/token' });
    expect([bare.statusCode, bare.json().error]).toEqual([415, 'invalid_request']);
    const query = await form('a=1', {}, '?a=1');
    expect([query.statusCode, query.json().error]).toEqual([400, 'invalid_request']);
  });

  it('challenges with Basic only a client that tried Basic (RFC 6749 §5.2)', async () => {
    const plain = await form('fail=1');
    expect([plain.statusCode, plain.json().error, plain.headers['www-authenticate']]).toEqual([
      401,
      'invalid_client',
      undefined,
    ]);
    const basic = await form('fail=1', { authorization: 'Basic Zm9v' });
    expect(basic.headers['www-authenticate']).toMatch(/^Basic realm="/);
    expect(basic.body).not.toContain('secret');
  });

  it('[T5] answers an unexpected error of an OAuth endpoint as server_error without a cause', async () => {
    const answer = await form('break=1');
    expect([answer.statusCode, answer.json()]).toEqual([
      500,
      { error: 'server_error', error_description: 'The server failed to answer.' },
    ]);
  });

  it('sends security headers with everything and logs one line per request', async () => {
    const answer = await app.inject('/v1/things/1');
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
    });
    expect(answer.headers['x-powered-by']).toBeUndefined();
    expect(lines).toEqual([expect.objectContaining({ method: 'GET', route: '/v1/things/:id', status: 200 })]);
  });

  it.each(['/v1/things/%zz', '/v1/things/%'])('answers the malformed target %s with a problem', async (url) => {
    const answer = await app.inject(url);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request']);
  });

  it('finds nothing under an over-long id', async () => {
    const answer = await app.inject(`/v1/things/${'a'.repeat(2000)}`);
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'not_found']);
  });
});
