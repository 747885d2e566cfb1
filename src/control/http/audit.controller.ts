import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LedgerReader, type EventFilter, type LedgerEvent } from '../../audit/index.js';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import {
  AdminAccess,
  listAnswer,
  openEventStream,
  page,
  requireEventStream,
  type ListAnswer,
} from '../../platform/http/index.js';
import { invalidRequest } from '../domain/faults.js';
import { summarizeRequest } from '../domain/audit/request-summary.js';
import { lastEventId } from './audit/last-event-id.js';
import { LedgerTail } from './audit/ledger-tail.js';
import { timeOf } from './answers.js';
import { EventFilters, EventQuery } from './dto/event-query.dto.js';

const INDEX = /^(?:0|[1-9][0-9]{0,14})$/;
/** What a request id may be: 1–128 printable ASCII characters. */
const REQUEST_ID = /^[\x20-\x7e]{1,128}$/;
const FACET_NAMES = [
  'type',
  'decision',
  'txn',
  'session',
  'application',
  'subject',
  'delegation',
  'resource',
  'reason',
  'jti',
] as const;

@Controller('v1/zones/:zone/audit')
export class AuditController {
  constructor(
    private readonly ledger: LedgerReader,
    private readonly tail: LedgerTail,
  ) {}

  /** The zone's ledger, oldest first. */
  @Get('events')
  @AdminAccess('audit')
  async events(@Param('zone') zone: string, @Query() query: EventQuery): Promise<ListAnswer<LedgerEvent>> {
    const slice = page({ ...query });
    const after = slice.cursor === undefined ? {} : { after: afterIndex(slice.cursor) };
    const events = await this.ledger.events(zone, filterOf(query), { limit: slice.limit + 1, ...after });
    return listAnswer(
      events,
      slice,
      (event) => String(event.index),
      (event) => event,
    );
  }

  /** The zone's ledger as it grows, as server-sent events; `Last-Event-ID` goes on where an earlier stream stopped. */
  @Get('events/stream')
  @AdminAccess('audit')
  stream(
    @Param('zone') zone: string,
    @Query() query: EventFilters,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    requireEventStream(request);
    this.tail.requireRoom(zone);
    const after = lastEventId(request);
    this.tail.start(zone, filterOf(query), after, openEventStream(reply));
  }

  @Get('events/:index')
  @AdminAccess('audit')
  async event(@Param('zone') zone: string, @Param('index') index: string): Promise<LedgerEvent> {
    if (!INDEX.test(index)) throw new AppError('not_found', 'There is no such entry.');
    return this.ledger.event(zone, Number(index));
  }

  /** Everything one request did, and what it came to. */
  @Get('requests/:request')
  @AdminAccess('audit')
  async request(@Param('zone') zone: string, @Param('request') requestId: string): Promise<JsonObject> {
    if (!REQUEST_ID.test(requestId)) throw new AppError('not_found', 'The ledger holds no entry of this request.');
    const { events, more } = await this.ledger.byRequest(zone, requestId);
    const summary = summarizeRequest(events.map((event) => event.entry));
    return {
      request_id: requestId,
      items: events as unknown as JsonObject[],
      summary: { ...summary, ...(more ? { more: true } : {}) },
    };
  }
}

function filterOf(query: EventFilters & Pick<EventQuery, 'to' | 'until'>): EventFilter {
  const facets = FACET_NAMES.flatMap((name) => (query[name] === undefined ? [] : [[name, query[name]] as const]));
  const since = timeOf(query.since);
  const until = timeOf(query.until);
  return {
    facets: Object.fromEntries(facets),
    ...(query.request_id === undefined ? {} : { requestId: query.request_id }),
    ...(query.actor === undefined ? {} : { actor: query.actor }),
    ...(query.tree === undefined ? {} : { tree: query.tree }),
    ...(query.from === undefined ? {} : { from: Number(query.from) }),
    ...(query.to === undefined ? {} : { to: Number(query.to) }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

function afterIndex(cursor: string): number {
  if (!INDEX.test(cursor))
    throw invalidRequest([{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }]);
  return Number(cursor);
}
