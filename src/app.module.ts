import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from './audit/index.js';
import { AuthModule } from './auth/index.js';
import { ControlModule } from './control/index.js';
import { CoordinatorModule } from './coordinator/index.js';
import { GatewayModule } from './gateway/index.js';
import { HealthModule } from './platform/health/index.js';
import { HttpModule } from './platform/http/index.js';
import { MetricsModule } from './platform/metrics/index.js';
import { PlatformModule, type PlatformParts } from './platform/platform.module.js';
import { PolicyModule } from './policy/index.js';
import { StsModule } from './sts/index.js';

/** The one process, module by module, in import order. */
@Module({})
export class AppModule {
  static forRoot(parts: PlatformParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.forRoot(parts),
        HttpModule,
        HealthModule,
        MetricsModule,
        AuditModule,
        AuthModule,
        PolicyModule,
        ControlModule,
        CoordinatorModule,
        StsModule,
        GatewayModule,
      ],
    };
  }
}
