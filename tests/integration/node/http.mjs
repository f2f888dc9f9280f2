// HTTP/1.1 as Node.js speaks it: kept connections, many at once, compression, bodies of unknown length, an early end.
import assert from 'node:assert/strict';
import https from 'node:https';
import { access, bearer, ca, call, deadline } from './access.mjs';

deadline(30_000);

function request(agent, path, options = {}, body) {
  return new Promise((resolve, reject) => {
    const sent = https.request(access.url + path, { agent, ca, headers: bearer, ...options }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces),
                                       reused: sent.reusedSocket }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    for (const piece of body ?? []) sent.write(piece);
    sent.end();
  });
}

const one = new https.Agent({ keepAlive: true, maxSockets: 1 });
const first = await request(one, '/version');
const second = await request(one, '/version');
assert.equal(first.status, 200);
assert.ok(second.reused, 'the connection is kept');

const many = new https.Agent({ keepAlive: true, maxSockets: 16 });
const answers = await Promise.all(Array.from({ length: 200 }, () => request(many, '/v1/tenants')));
assert.ok(answers.every((answer) => answer.status === 200 && JSON.parse(answer.body).items.length > 0));

const headers = { ...bearer, 'Content-Type': 'application/json' };
const chunked = await request(one, '/v1/tenants', { method: 'POST', headers }, ['{"metadata":', '{"name":', '"by-node"}}']);
assert.equal(chunked.status, 201);
assert.equal(chunked.headers.location, '/v1/tenants/by-node');

const unpacked = await fetch(access.url + '/openapi.json', { headers: { ...bearer, 'Accept-Encoding': 'gzip' } });
assert.equal(unpacked.headers.get('content-encoding'), 'gzip');
assert.equal((await unpacked.json()).openapi.slice(0, 3), '3.1');

const watch = new AbortController();
const stream = await fetch(access.url + '/v1/tenants?watch=true', { headers: bearer, signal: watch.signal });
await call('POST', '/v1/tenants', { metadata: { name: 'seen-by-node' } });
const reader = stream.body.getReader();
for (let seen = ''; !seen.includes('seen-by-node'); ) {
  const { value, done } = await reader.read();
  assert.ok(!done, 'a watch has no end');
  seen += Buffer.from(value).toString();
}
watch.abort();
assert.equal((await request(one, '/version')).status, 200);
process.exit(0);  // fetch() may keep connections, which would keep the process
