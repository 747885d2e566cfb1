import { describe, expect, it } from '@jest/globals';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { CreateDelegationDto, DelegationsQuery, RevokeDelegationDto } from './delegation.dto.js';
import { CreateRevocationDto, RevocationsQuery } from './revocation.dto.js';
import { AdminSessionsQuery, HeartbeatDto, ReasonDto, SessionsQuery, StartSessionDto } from './session.dto.js';

const CLASSES = [
  StartSessionDto,
  ReasonDto,
  HeartbeatDto,
  SessionsQuery,
  AdminSessionsQuery,
  CreateDelegationDto,
  RevokeDelegationDto,
  DelegationsQuery,
  CreateRevocationDto,
  RevocationsQuery,
];

describe('what the API description says of requests', () => {
  it.each(CLASSES.map((dto) => [dto.name, dto] as const))('%s refers to nothing that is not there', (_name, dto) => {
    expect(JSON.stringify(targetConstructorToSchema(dto))).not.toContain('$ref');
  });

  it('names what authority and resources look like', () => {
    const session = targetConstructorToSchema(StartSessionDto);
    expect(session.required).toEqual(['lifecycle']);
    expect(session.properties?.['authority']).toMatchObject({
      oneOf: [{ enum: ['inherit', 'none'] }, { required: ['narrow'] }],
    });
    expect(targetConstructorToSchema(CreateDelegationDto).properties?.['resources']).toMatchObject({
      type: 'array',
      minItems: 1,
    });
  });
});
