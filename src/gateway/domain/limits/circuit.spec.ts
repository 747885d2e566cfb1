import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Circuit } from './circuit.js';

function opened(): Circuit {
  const circuit = new Circuit();
  for (let at = 0; at < 10; at += 1) {
    expect(circuit.admit(0)).toBeUndefined();
    circuit.failed(0);
  }
  return circuit;
}

function settle(circuit: Circuit, event: string, now: number): void {
  if (event === 'succeeded') circuit.succeeded();
  else if (event === 'failed') circuit.failed(now);
  else circuit.abandoned();
}

describe('[T8] Circuit', () => {
  it('opens after ten failures in a row, and not before', () => {
    const circuit = new Circuit();
    for (let at = 0; at < 100; at += 1) {
      expect(circuit.admit(at)).toBeUndefined();
      if (at % 10 === 9) circuit.succeeded();
      else circuit.failed(at);
    }
    expect(opened().admit(0)).toBe(1);
  });

  it('half-open lets one call find out: its success closes, its failure opens for longer', () => {
    const circuit = opened();
    expect([circuit.admit(999), circuit.admit(1_000), circuit.admit(1_000)]).toEqual([1, undefined, 1]);
    circuit.failed(1_500);
    expect([circuit.admit(3_499), circuit.admit(3_500)]).toEqual([1, undefined]);
    circuit.succeeded();
    expect([circuit.admit(3_500), circuit.admit(3_500)]).toEqual([undefined, undefined]);
  });

  it('a call that says nothing gives its turn back', () => {
    const circuit = opened();
    expect(circuit.admit(1_000)).toBeUndefined();
    circuit.abandoned();
    expect(circuit.admit(1_000)).toBeUndefined();
  });

  it('failures of calls from before change nothing once it is open', () => {
    const circuit = opened();
    for (let at = 0; at < 50; at += 1) circuit.failed(500);
    expect(circuit.admit(1_000)).toBeUndefined();
  });

  it('never stays shut for longer than half a minute, whatever happened', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('succeeded', 'failed', 'abandoned', 'late')), (events) => {
        const circuit = new Circuit();
        let now = 0;
        for (const event of events) {
          now += 400;
          if (event === 'late') circuit.failed(now);
          else if (circuit.admit(now) === undefined) settle(circuit, event, now);
        }
        circuit.abandoned();
        expect(circuit.admit(now + 30_000)).toBeUndefined();
      }),
    );
  });
});
