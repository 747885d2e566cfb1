import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { Zones, type ZonePatch } from '../zones.js';
import type { StoredZoneSettings } from '../domain/zone-settings.js';
import { created, plain, tagged } from './answers.js';
import { Call, Change, type ObjectChange } from './call.js';
import { ListQuery } from './dto/list-query.dto.js';
import { CreateZoneDto, KillZoneDto, PatchZoneDto } from './dto/zone.dto.js';

@Controller('v1/zones')
export class ZonesController {
  constructor(private readonly zones: Zones) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Body() body: CreateZoneDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { slug, name, ...settings } = body;
    const zone = await this.zones.create(call, { slug, name, settings: storedSettings(plain(settings)) });
    return created(reply, zone, { at: `/v1/zones/${slug}`, body: this.zones.body(zone) });
  }

  /** The zones that the token may see. */
  @Get()
  @AdminAccess('read', { zoneBound: true })
  async list(@Call() call: AdminCall, @Query() query: ListQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const rows = await this.zones.list(slice, query.status, call.actor.zones);
    return listAnswer(
      rows,
      slice,
      (row) => row.id,
      (row) => this.zones.body(row),
    );
  }

  @Get(':zone')
  @AdminAccess('read')
  async get(@Param('zone') slug: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<JsonObject> {
    const zone = await this.zones.get(slug);
    return tagged(reply, zone, this.zones.body(zone));
  }

  @Patch(':zone')
  @AdminAccess('write')
  async patch(
    @Change() { call, zone: slug, condition }: ObjectChange,
    @Body() { name, ...settings }: PatchZoneDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const patch: ZonePatch = { ...(name === undefined ? {} : { name }), settings: plain(settings) };
    const zone = await this.zones.patch(call, slug, condition, patch);
    return tagged(reply, zone, this.zones.body(zone));
  }

  @Delete(':zone')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, zone, condition }: ObjectChange): Promise<void> {
    await this.zones.archive(call, zone, condition);
  }

  @Post(':zone/kill')
  @HttpCode(200)
  @AdminAccess('write')
  async kill(
    @Call() call: AdminCall,
    @Param('zone') slug: string,
    @Body() { reason }: KillZoneDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const zone = await this.zones.kill(call, slug, reason ?? 'killed by an administrator');
    return tagged(reply, zone, this.zones.body(zone));
  }

  @Post(':zone/restore')
  @HttpCode(200)
  @AdminAccess('write')
  async restore(
    @Call() call: AdminCall,
    @Param('zone') slug: string,
    @Body() _body: KillZoneDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const zone = await this.zones.restore(call, slug);
    return tagged(reply, zone, this.zones.body(zone));
  }
}

/** A setting that is null when the zone is made has its default, as if it were not there. */
function storedSettings(settings: ZonePatch['settings']): StoredZoneSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}
