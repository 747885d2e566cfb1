import { describe, expect, it } from '@jest/globals';
import { InvocationRates } from './invocation-rates.js';

describe('[T9] [T8] rates of commands', () => {
  it('give each application its own share of a minute, and say when the next begins', () => {
    let now = 0;
    const rates = new InvocationRates(() => now);
    for (let count = 0; count < 120; count += 1) rates.take('app_1');
    now = 15_000;
    expect(() => rates.take('app_1')).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfter: 45 }));
    expect(() => rates.take('app_2')).not.toThrow();
    now = 60_000;
    expect(() => rates.take('app_1')).not.toThrow();
  });
});
