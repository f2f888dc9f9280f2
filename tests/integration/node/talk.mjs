// The npm package ws as the client of a plugin's WebSocket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';

import { access, bearer, ca, deadline } from './access.mjs';

deadline(30_000);

const place = access.url.replace('https:', 'wss:') + '/ext/routes';
const open = (path, protocols = []) => new WebSocket(place + path, protocols, { ca, headers: bearer });

async function said(client) {
  const [data, isBinary] = await once(client, 'message');
  return [data.toString('latin1'), isBinary];
}

async function messagesComeBackAsTheyWere() {
  const client = open('/echo', ['first', 'second']);
  await once(client, 'open');
  assert.equal(client.protocol, 'second');
  client.send('hello');
  assert.deepEqual(await said(client), ['hello', false]);
  client.send(Buffer.from([0, 255, 1]));
  assert.deepEqual(await said(client), ['\u0000\u00ff\u0001', true]);
  const large = 'x'.repeat(60_000);
  client.send(large);
  assert.deepEqual(await said(client), [large, false]);
  client.ping();
  await once(client, 'pong');
  client.send('end');
  const [code, reason] = await once(client, 'close');
  assert.deepEqual([code, reason.toString()], [4000, 'as you wish']);
}

async function whatIsTooLargeOrFailsEnds() {
  const large = open('/echo');
  await once(large, 'open');
  large.send('x'.repeat(65_537));
  assert.equal((await once(large, 'close'))[0], 1009);
  const failed = open('/echo');
  await once(failed, 'open');
  failed.send('vanish');
  assert.equal((await once(failed, 'close'))[0], 1011);
}

async function aRefusalIsThePlugins() {
  const refused = open('/other');
  const [, answer] = await once(refused, 'unexpected-response');
  assert.equal(answer.statusCode, 403);
  answer.destroy();
  const liar = open('/echo?lie', ['first']);
  assert.equal((await once(liar, 'unexpected-response'))[1].statusCode, 502);
}

await messagesComeBackAsTheyWere();
await whatIsTooLargeOrFailsEnds();
await aRefusalIsThePlugins();
process.exit(0);
