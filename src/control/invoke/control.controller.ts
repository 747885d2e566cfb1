import { Body, Controller, Get, Header, HttpCode, Post, Req } from '@nestjs/common';
import { IsObject, IsOptional, IsString, Length } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { AdminPrincipal, ControlPrincipal } from '../../auth/index.js';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { ControlAccess } from '../../platform/http/index.js';
import { CommandCatalogue } from './command-catalogue.js';
import { ControlInvocation } from './control-invocation.js';
import type { Command } from './domain/command.js';
import { Steward } from './steward.js';

const LONGEST_NAME = 64;

export class InvokeDto {
  @IsString()
  @Length(1, LONGEST_NAME)
  command!: string;

  @IsString()
  @Length(1, LONGEST_NAME)
  verb!: string;

  /** Slug of the zone; the token's own when it is omitted. */
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_NAME)
  zone?: string;

  @IsOptional()
  @IsObject()
  args?: Record<string, unknown>;
}

/** Administration by agents, under the same rules: off unless it is switched on and its gate is open. */
@Controller('control/v1')
export class ControlController {
  constructor(
    private readonly commands: CommandCatalogue,
    private readonly invocation: ControlInvocation,
  ) {}

  @Post('invoke')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ControlAccess()
  async invoke(
    @Steward() principal: ControlPrincipal | AdminPrincipal,
    @Body() { command, verb, zone, args }: InvokeDto,
    @Req() request: FastifyRequest,
  ): Promise<{ readonly result: unknown }> {
    if (principal.kind !== 'control') throw new AppError('access_denied', 'Only control tokens give commands.');
    const invocation = { command, verb, zone, args: args as JsonObject | undefined };
    return { result: await this.invocation.invoke(request, principal, invocation) };
  }

  @Get('catalog')
  @ControlAccess({ administrators: 'read' })
  catalog(): { readonly items: readonly JsonObject[] } {
    return { items: this.commands.all().map(catalogueItem) };
  }
}

function catalogueItem({ command, verb, scope, zone, schema }: Command): JsonObject {
  return { command, verb, scope, zone, schema };
}
