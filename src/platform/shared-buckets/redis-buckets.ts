import { Redis } from 'ioredis';

/** Token buckets that replicas empty together. */
export interface SharedBuckets {
  /**
   * Takes one token of each bucket, or of none when one is empty; each holds `quota` and refills evenly over a minute. Answers how many tokens each
   * held before, below one for an empty one; undefined when it cannot be known now.
   */
  take(
    group: string,
    buckets: readonly { readonly key: string; readonly quota: number }[],
  ): Promise<readonly number[] | undefined>;
}

const PREFIX = 'caracal:limit';
/** Longer than this nobody waits to be counted. */
const PATIENCE_MS = 250;
const WINDOW_MS = 60_000;

/** The clock is Redis's, so that replicas whose clocks differ fill the same bucket alike. */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local filled, all = {}, true
for i, key in ipairs(KEYS) do
  local quota = tonumber(ARGV[i])
  local state = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = quota
  if state[1] then
    tokens = math.min(quota, tonumber(state[1]) + math.max(0, now - tonumber(state[2])) * quota / ${WINDOW_MS})
  end
  filled[i] = tokens
  if tokens < 1 then all = false end
end
for i, key in ipairs(KEYS) do
  if all then
    redis.call('HSET', key, 'tokens', tostring(filled[i] - 1), 'at', tostring(now))
    redis.call('PEXPIRE', key, ${2 * WINDOW_MS})
  end
  filled[i] = tostring(filled[i])
end
return filled`;

type WithScript = Redis & { takeTokens(keys: number, ...rest: (string | number)[]): Promise<string[]> };

/** Buckets in Redis. They bound load and authorize nothing: what is lost with Redis is only how full they were. */
export class RedisBuckets implements SharedBuckets {
  private readonly redis: WithScript;

  constructor(
    url: string,
    private readonly onFault: (error: unknown) => void,
  ) {
    this.redis = new Redis(url, {
      maxRetriesPerRequest: 1,
      connectTimeout: 5_000,
      commandTimeout: PATIENCE_MS,
      enableOfflineQueue: false,
    }) as WithScript;
    this.redis.defineCommand('takeTokens', { lua: SCRIPT });
    this.redis.on('error', onFault);
  }

  async take(
    group: string,
    buckets: readonly { readonly key: string; readonly quota: number }[],
  ): Promise<readonly number[] | undefined> {
    // The braces keep the keys of one group on one node of a cluster.
    const keys = buckets.map(({ key }) => `${PREFIX}:{${group}}:${key}`);
    try {
      const left = await this.redis.takeTokens(keys.length, ...keys, ...buckets.map(({ quota }) => quota));
      return left.map(Number);
    } catch (error) {
      this.onFault(error);
      return undefined;
    }
  }

  close(): void {
    this.redis.disconnect();
  }
}
