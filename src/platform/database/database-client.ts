import pg from 'pg';

/**
 * A connection whose end by itself is never an error that nobody caught: the database can go in the moment between a login and whoever
 * asked for it, or while nobody asks anything. Pending and later queries reject all the same, and other listeners hear of it.
 */
export class DatabaseClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}
