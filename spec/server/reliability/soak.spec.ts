import { parseOptions } from '../../../infra/soak/options';
import type { SoakReport } from '../../../infra/soak/soak';
import { violations } from '../../../infra/soak/verdict';
import { Ledger } from '../../../infra/soak/workload';
import { runChild } from '../../infra/run-child';

describe('A soak', () => {
  it('of a few seconds finds that the client keeps its word on a line that is cut all the time', async () => {
    const args = ['--seconds', '5', '--cut-every', '150', '--in-flight', '100', '--seed', '7'];
    const child = runChild('../../infra/soak/index.ts', args);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = await child.exited;
    expect(output).toContain('The client kept its word.');
    expect(output).toMatch(/^cuts +[1-9]\d* /m);
    expect(output).toMatch(/^unknown +[1-9]/m);
    expect(code).toBe(0);
  });

  it('counts everything that breaks the word of the client', () => {
    const footprint = { memory: 0, handles: { TCPSocketWrap: 1 } };
    const good = (): SoakReport => {
      const ledger = new Ledger();
      ledger.tally.answered = 1;
      return {
        ledger,
        totals: [{ total: 3, count: { certain: 2, perhaps: 2 } }],
        messages: { published: 2, heard: 1, wrong: [] },
        stillHears: true,
        line: { cuts: 1, bytes: 1 },
        reconnects: 1,
        seconds: 1,
        memory: [50e6, 51e6],
        handles: [footprint, footprint],
      };
    };
    expect(violations(good())).toStrictEqual([]);
    const total = (count: number) => [{ total: count, count: { certain: 2, perhaps: 2 } }];
    expect(violations({ ...good(), totals: total(1) })).toStrictEqual(['count:0 is 1, neither 2 nor up to 4']);
    expect(violations({ ...good(), totals: total(5) })).toStrictEqual(['count:0 is 5, neither 2 nor up to 4']);
    expect(violations({ ...good(), stillHears: false })).toStrictEqual(['the subscription is lost']);
    expect(violations({ ...good(), memory: [50e6, 60e6] })).toStrictEqual(['memory has grown by 9.5 MB']);
    expect(violations({ ...good(), line: { cuts: 0, bytes: 1 } })).toStrictEqual(['the line was never cut']);
    expect(violations({ ...good(), handles: [footprint, { ...footprint, handles: { Timeout: 1 } }] })).toStrictEqual([
      'handles were 1 TCPSocketWrap and are 1 Timeout',
    ]);
    const wrong = good();
    wrong.ledger.wrong.push('GET: a, not b');
    wrong.ledger.tally.failed(new TypeError('a bug'));
    expect(violations(wrong)).toStrictEqual([
      'GET: a, not b',
      'an error that no cut explains, 1 times: TypeError: a bug',
    ]);
  });

  it('takes options, and refuses others', () => {
    expect(parseOptions(['--seconds', '5', '--seed', '3'])).toStrictEqual({
      seconds: 5,
      inFlight: 200,
      cutEvery: 1000,
      seed: 3,
    });
    expect(parseOptions(['--help'])).toBe('help');
    expect(() => parseOptions(['--seconds', 'soon'])).toThrow('--seconds takes a number above 0, got soon');
    expect(() => parseOptions(['--minutes', '5'])).toThrow('--minutes');
  });
});
