import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post, type Type } from '@nestjs/common';
import { StartError } from '../../../kernel/start-error.js';
import { AdminAccess, Public, createHttpApp } from '../index.js';

@Controller('v1')
class SoundController {
  @Public()
  @Get('open')
  open() {
    return {};
  }

  @Get('guarded')
  @AdminAccess('read')
  guarded() {
    return {};
  }
}

@Controller('v1')
class UndeclaredController {
  @Post(['forgotten', 'forgotten/too'])
  forgotten() {
    return {};
  }
}

@Controller('v1')
class DoublyDeclaredController {
  @Public()
  @AdminAccess('read')
  @Get('contradiction')
  contradiction() {
    return {};
  }
}

/** The faults that keep an application of these controllers from starting. */
async function faultsOf(controllers: Type[], publicRoutes: string[], rawUrl?: string): Promise<readonly string[]> {
  class Root {}
  Module({ controllers })(Root);
  const log = { info: () => undefined, error: () => undefined };
  try {
    const app = await createHttpApp(Root, {
      settings: { trustProxy: [] },
      base: () => 'http://base',
      log,
      publicRoutes,
      registerRaw: (fastify) => {
        if (rawUrl !== undefined) fastify.all(rawUrl, async () => 'raw');
      },
    });
    await app.close();
    return [];
  } catch (error) {
    if (error instanceof StartError) return error.faults;
    throw error;
  }
}

describe('[T1] the process refuses to start', () => {
  it('not, when every route is declared once and the public ones are listed', async () => {
    await expect(faultsOf([SoundController], ['GET /v1/open'])).resolves.toEqual([]);
  });

  it('with a route that declares no access, named for each of its paths', async () => {
    await expect(faultsOf([UndeclaredController], [])).resolves.toEqual([
      'POST /v1/forgotten (UndeclaredController.forgotten) carries 0 access declarations instead of one',
      'POST /v1/forgotten/too (UndeclaredController.forgotten) carries 0 access declarations instead of one',
    ]);
  });

  it('with a route that declares two accesses', async () => {
    const faults = await faultsOf([DoublyDeclaredController], ['GET /v1/contradiction']);
    expect(faults).toEqual([
      'GET /v1/contradiction (DoublyDeclaredController.contradiction) carries 2 access declarations instead of one',
    ]);
  });

  it('with a public route that is not listed, and with a listed one that is not there', async () => {
    await expect(faultsOf([SoundController], ['GET /v1/other'])).resolves.toEqual([
      'GET /v1/open is public but not listed in public-routes.ts',
      'GET /v1/other is listed in public-routes.ts but is no public route',
    ]);
  });

  it('with a route that came in past the declarations, except under the gateway’s path', async () => {
    await expect(faultsOf([SoundController], ['GET /v1/open'], '/v1/back-door')).resolves.toEqual([
      '/v1/back-door is served without an access declaration',
    ]);
    await expect(faultsOf([SoundController], ['GET /v1/open'], '/g/:zone/:slug/*')).resolves.toEqual([]);
  });
});
