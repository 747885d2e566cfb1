import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, HttpCode, Module, Param, Patch, Post, Query } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsInt, IsOptional, IsString, Length, Max, ValidateNested } from 'class-validator';
import type { JsonObject } from '../../../kernel/json.js';
import { PublicUrls } from '../../urls/index.js';
import { IdempotencyStore } from '../idempotency/idempotency-store.js';
import {
  AdminAccess,
  Form,
  Idempotent,
  OAuthClient,
  Precondition,
  Public,
  RuntimeAccess,
  conditionalParam,
  createHttpApp,
  requireIfMatch,
} from '../index.js';
import { docsPage } from './docs-page.js';
import { OpenApiDocument } from './openapi-document.js';

class ScopeDto {
  @IsString()
  @Length(1, 64)
  name!: string;
}

class ThingDto {
  @IsString()
  slug!: string;

  @IsOptional()
  @IsIn(['gateway', 'direct'])
  enforcement?: string;

  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => ScopeDto)
  scopes!: ScopeDto[];
}

class FilterDto {
  @IsInt()
  @Max(9)
  from!: number;

  @IsOptional()
  @IsString()
  label?: string;
}

const IfMatch = conditionalParam((_, context) => requireIfMatch(context.switchToHttp().getRequest()));

@Controller('v1/zones/:zone/things')
class ThingsController {
  @Post()
  @AdminAccess('write')
  @Idempotent()
  create(@Body() body: ThingDto) {
    return body;
  }

  @Get()
  @AdminAccess('read')
  list(@Query() query: Record<string, unknown>) {
    return query;
  }

  @Patch(':id')
  @AdminAccess('write')
  update(@IfMatch() condition: Precondition, @Param('id') id: string) {
    return { condition, id };
  }
}

@Controller('z/:zone')
class OtherController {
  @Get(['things', 'objects'])
  @RuntimeAccess()
  search(@Query() filter: FilterDto) {
    return filter;
  }

  @Post('oauth2/token')
  @HttpCode(200)
  @OAuthClient()
  token(@Body() form: Form) {
    return form;
  }

  @Get('open')
  @Public()
  open() {
    return {};
  }
}

@Module({ controllers: [ThingsController, OtherController], providers: [{ provide: IdempotencyStore, useValue: {} }] })
class ThingsModule {}

describe('the OpenAPI document', () => {
  let app: NestFastifyApplication;
  let document: JsonObject;
  // Documents are looked at from many sides; each test says what it expects where.
  const at = (...path: string[]) =>
    path.reduce<unknown>((value, member) => (value as Record<string, unknown>)[member], document);

  beforeAll(async () => {
    const log = { info: () => undefined, error: () => undefined };
    app = await createHttpApp(ThingsModule, {
      settings: { trustProxy: [] },
      base: () => 'http://base',
      log,
      publicRoutes: ['GET /z/:zone/open'],
    });
    document = new OpenApiDocument(app.get(ModulesContainer), new PublicUrls('http://base')).document();
  });

  afterAll(() => app.close());

  it('describes every route under its path and method', () => {
    const listed = Object.entries(at('paths') as object).map(([path, operations]) => [
      path,
      Object.keys(operations as object).sort(),
    ]);
    expect(listed).toEqual([
      ['/v1/zones/{zone}/things', ['get', 'post']],
      ['/v1/zones/{zone}/things/{id}', ['patch']],
      ['/z/{zone}/oauth2/token', ['post']],
      ['/z/{zone}/objects', ['get']],
      ['/z/{zone}/open', ['get']],
      ['/z/{zone}/things', ['get']],
    ]);
  });

  it('gives every operation an id of its own', () => {
    const ids = Object.values(at('paths') as Record<string, Record<string, { operationId: string }>>).flatMap(
      (operations) => Object.values(operations).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('things_create');
  });

  it.each([
    ['/v1/zones/{zone}/things', 'post', [{ adminToken: [] }]],
    ['/z/{zone}/things', 'get', [{ runtimeToken: [] }]],
    ['/z/{zone}/oauth2/token', 'post', [{ clientBasic: [] }, {}]],
    ['/z/{zone}/open', 'get', []],
  ])('[T1] %s %s says who may call it', (path, method, security) => {
    expect(at('paths', path, method, 'security')).toEqual(security);
  });

  it('documents what the validation accepts, nested classes included, and nothing beside', () => {
    const { examples, ...schema } = at('components', 'schemas', 'ThingDto') as Record<string, unknown>;
    expect(examples).toHaveLength(1);
    expect(schema).toEqual({
      type: 'object',
      additionalProperties: false,
      required: ['slug', 'scopes'],
      properties: {
        slug: { type: 'string' },
        enforcement: { type: 'string', enum: ['gateway', 'direct'] },
        scopes: { type: 'array', maxItems: 10, items: { $ref: '#/components/schemas/ScopeDto' } },
      },
    });
    expect(at('components', 'schemas', 'ScopeDto', 'properties', 'name')).toMatchObject({
      minLength: 1,
      maxLength: 64,
    });
  });

  it('names path, query and header parameters', () => {
    const names = (path: string, method: string) =>
      (at('paths', path, method, 'parameters') as { name?: string; $ref?: string }[]).map(
        ({ name, $ref }) => name ?? $ref?.split('/').pop(),
      );
    expect(names('/v1/zones/{zone}/things', 'post')).toEqual(['zone', 'IdempotencyKey']);
    expect(names('/v1/zones/{zone}/things', 'get')).toEqual(['zone', 'Limit', 'Cursor']);
    expect(names('/v1/zones/{zone}/things/{id}', 'patch')).toEqual(['zone', 'id', 'IfMatch']);
    expect(names('/z/{zone}/things', 'get')).toEqual(['zone', 'from', 'label']);
  });

  it('has the problem document on every refusal, and the OAuth error at OAuth endpoints', () => {
    const refusals = (path: string, method: string) =>
      Object.entries(at('paths', path, method, 'responses') as Record<string, { $ref?: string }>).filter(
        ([status]) => status >= '4',
      );
    expect(
      refusals('/v1/zones/{zone}/things', 'post').every(([, { $ref }]) => $ref === '#/components/responses/Problem'),
    ).toBe(true);
    expect(refusals('/v1/zones/{zone}/things', 'post').map(([status]) => status)).toEqual(
      expect.arrayContaining(['400', '401', '403', '422', '500']),
    );
    expect(
      refusals('/z/{zone}/oauth2/token', 'post').every(([, { $ref }]) => $ref === '#/components/responses/OAuthError'),
    ).toBe(true);
  });

  it('refers to nothing that is not there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) =>
      path.split('/'),
    );
    expect(references.length).toBeGreaterThan(10);
    for (const path of references) expect(at(...path)).toBeDefined();
  });

  it('[T5] renders as a page without anything that runs', () => {
    const page = docsPage({ paths: { '/<script>': { get: { operationId: '"x"', security: [] } } } });
    expect(page).toContain('/&lt;script&gt;');
    expect(page).not.toMatch(/<script|<style|<link/);
  });
});
