/** Stops the server that this run's global setup started; a server that was there before is left alone. */
export default async function globalTeardown() {
  const keeper = globalThis.testPostgresKeeper;
  if (!keeper) return;
  globalThis.testPostgresKeeper = undefined;
  delete process.env.TEST_POSTGRES_DSN;
  const gone = new Promise((resolve) => keeper.once('exit', resolve));
  keeper.ref();
  keeper.stdin.end();
  await gone;
}
