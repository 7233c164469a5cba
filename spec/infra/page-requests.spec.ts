import { useServer } from '../support/server';
import { ask } from './page-asked';
import { usePage } from './use-page';

describe('what the page of the demo is asked', () => {
  const page = usePage(useServer({ args: ['--appendonly', 'yes'] }));

  const stroke = { id: '0b5e2f3c-1111-4222-8333-444455556666', colour: 1, points: [0, 1000] };
  it.each([
    ['a list', 'strokes', [], 'an object of JSON'],
    ['another id', 'strokes', { ...stroke, id: "x';drop" }, 'id: a UUID'],
    ['a colour too many', 'strokes', { ...stroke, colour: 8 }, 'colour: '],
    ['no point', 'strokes', { ...stroke, points: [] }, 'points: '],
    ['half a point', 'strokes', { ...stroke, points: [1, 2, 3] }, 'points: '],
    ['a point outside', 'strokes', { ...stroke, points: [1, 1001] }, 'points: '],
    ['a broken number', 'strokes', { ...stroke, points: [1, 0.5] }, 'points: '],
    ['too many points', 'strokes', { ...stroke, points: Array<number>(1026).fill(0) }, 'points: '],
    ['an unknown field', 'strokes', { ...stroke, name: 'secret' }, 'known are id, colour, points'],
    ['too many jobs', 'jobs', { count: 21 }, 'count: '],
    ['a text for a number', 'jobs', { count: '1' }, 'count: '],
    ['a text alone', 'note', { texts: 'a' }, 'texts: '],
    ['no text', 'note', { texts: [] }, 'texts: '],
    ['too many texts', 'note', { texts: Array<string>(101).fill('a') }, 'texts: '],
    ['a text that is too long', 'note', { texts: ['a'.repeat(201)] }, 'texts: '],
    ['too many reads', 'reads', { times: 101 }, 'times: '],
    ['no such worker', 'slow', { worker: 3, isSlow: true }, 'worker: '],
    ['a number for a boolean', 'slow', { worker: 0, isSlow: 1 }, 'isSlow: '],
  ])('refuses %s at /%s, and asks the server nothing', async (_, path, body, expected) => {
    const answer = await ask(page().url, path, { body });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(expected);
    expect(answer.text).not.toContain('secret');
    const states = ['page', 'workers', 'reader'].map((name) => page().client(name).inspect().state);
    expect(states).toStrictEqual(['idle', 'idle', 'idle']);
  });

  it('refuses what is no JSON, and what is too long', async () => {
    expect((await ask(page().url, 'cut', { raw: '{' })).status).toBe(400);
    expect((await ask(page().url, 'strokes', { raw: `[${'0,'.repeat(20_000)}0]` })).status).toBe(413);
  });

  it('fails nothing over where there is no sentinel', async () => {
    const answer = await ask(page().url, 'failover', { body: {} });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain("no sentinels are the demo's own");
  });

  it.each([
    ['browser=x%27', 'browser: '],
    ['windows=0', 'windows: '],
    ['windows=1.5', 'windows: '],
    ['windows=1&windows=2', 'windows: '],
    ['name=secret', 'known are browser, windows'],
  ])('opens no stream for %s', async (query, expected) => {
    const answer = await ask(page().url, `events?${query}`, { method: 'GET' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(expected);
    expect(answer.text).not.toContain('secret');
    expect(page().isWatched()).toBe(false);
  });

  it.each([
    ['another site asks', { Origin: 'http://elsewhere.example' }],
    ['another name leads here', { Host: 'elsewhere.example' }],
  ])('does nothing where %s', async (_, headers) => {
    expect((await ask(page().url, 'cut', { body: {}, headers })).status).toBe(403);
    expect((await ask(page().url, 'events', { method: 'GET', headers })).status).toBe(403);
    expect(page().faults.cut(0)).toBe(true); // none has begun
  });
});
