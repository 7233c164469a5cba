import { lose, scriptedConnection, tick } from '../../support/scripted-link';
import { record } from '../../support/clients';

const READONLY = "-READONLY You can't write against a read only replica.\r\n";

/** A connection that a reply has told to leave its link, which still owes another reply. */
async function setUp() {
  const { connection, greeted, links, send } = scriptedConnection();
  connection.open();
  const first = await greeted();
  record(send('SET', 'k', 'v'));
  record(send('GET', 'k'));
  await tick();
  first.receive(READONLY);
  await tick();
  expect(first.destroyed).toBe(false);
  return { connection, greeted, links, first };
}

describe('Making a connection anew that leads to the wrong server and still owes replies', () => {
  it('leaves it at once when that is wanted now', async () => {
    const { connection, greeted, links, first } = await setUp();
    const renewed = record(connection.reconnect(true));
    expect(first.destroyed).toBe(true);
    expect(renewed.ended).toBeUndefined();
    await greeted();
    expect(renewed.ended).toBe('complete');
    expect(links).toHaveLength(2);
    connection.destroy();
  });

  it('completes with the next link and not before', async () => {
    const { connection, greeted, first } = await setUp();
    const renewed = record(connection.reconnect(false));
    await tick();
    expect([first.destroyed, renewed.ended]).toStrictEqual([false, undefined]);
    lose(first);
    await greeted();
    expect(renewed.ended).toBe('complete');
    connection.destroy();
  });
});
