import { Module } from '@nestjs/common';
import { PolicySets } from './policy-sets.js';

@Module({ providers: [PolicySets], exports: [PolicySets] })
export class PolicyModule {}
