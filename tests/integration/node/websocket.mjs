// The npm package "ws" as a client: a watch and its resumption, fragments, pings, and how broken clients are ended.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { access, bearer, ca, call, deadline } from './access.mjs';

deadline(30_000);
const url = access.url.replace('https:', 'wss:');

async function open(path) {
  const socket = new WebSocket(url + path, { ca, headers: bearer });
  socket.inbox = [];
  socket.on('message', (data, isBinary) => socket.inbox.push({ ...JSON.parse(data), isBinary }));
  await once(socket, 'open');
  return socket;
}

/// The first message that has been received, or will be, for which `fits` holds.
async function received(socket, fits) {
  for (;;) {
    const found = socket.inbox.find(fits);
    if (found) return found;
    await once(socket, 'message');
  }
}

const named = (name) => (event) => event.object?.metadata.name === name;

async function watchesAndResumes() {
  const socket = await open('/v1/tenants?watch=true');
  await call('POST', '/v1/tenants', { metadata: { name: 'ws-one' } });
  const event = await received(socket, named('ws-one'));
  assert.equal(event.type, 'PUT');
  assert.equal(event.isBinary, false);
  socket.close(1000);
  const [code] = await once(socket, 'close');
  assert.equal(code, 1000);
  await call('POST', '/v1/tenants', { metadata: { name: 'ws-two' } });
  const again = await open(`/v1/tenants?watch=true&after_revision=${event.revision}`);
  assert.ok((await received(again, named('ws-two'))).revision > event.revision);
  assert.equal(again.inbox.find(named('ws-one')), undefined, 'what was seen does not come again');
  again.terminate();
}

async function eventsResumeToo() {
  const all = await open('/v1/events?subject=resource.tenant.*&after=0');
  const first = await received(all, (event) => event.data?.name === 'ws-one');
  all.terminate();
  const rest = await open(`/v1/events?subject=resource.tenant.*&after=${first.cursor}`);
  await received(rest, (event) => event.data?.name === 'ws-two');
  assert.ok(rest.inbox.every((event) => event.time >= first.time && event.id !== first.id));
  rest.terminate();
}

async function fragmentsAndPings() {
  const socket = await open('/v1/tenants?watch=true');
  socket.send('a', { fin: false });
  socket.ping('between');
  const [payload] = await once(socket, 'pong');
  assert.equal(payload.toString(), 'between', 'a ping between fragments is answered at once');
  socket.send('b', { fin: false });
  socket.send('c', { fin: true });
  await call('POST', '/v1/tenants', { metadata: { name: 'ws-three' } });
  await received(socket, named('ws-three'));
  socket.terminate();
}

async function endsWith(expected, misbehave) {
  const socket = await open('/v1/tenants?watch=true');
  misbehave(socket);
  const [code] = await once(socket, 'close');
  assert.equal(code, expected);
}

await watchesAndResumes();
await eventsResumeToo();
await fragmentsAndPings();
await endsWith(1007, (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }));
await endsWith(1007, (socket) => {
  socket.send(Buffer.from([0xe2, 0x82]), { binary: false, fin: false });
  socket.send(Buffer.from([0x28]), { binary: false, fin: true });
});
await endsWith(1002, (socket) => socket.send('not masked', { mask: false }));
await endsWith(1009, (socket) => socket.send(Buffer.alloc(65_537)));
await endsWith(1000, (socket) => socket.close(1000, 'enough'));
await endsWith(4321, (socket) => socket.close(4321, 'of the application'));
const refused = new WebSocket(url + '/v1/tenants?watch=true', { ca });
const [, answer] = await once(refused, 'unexpected-response');
assert.equal(answer.statusCode, 401);
process.exit(0);
