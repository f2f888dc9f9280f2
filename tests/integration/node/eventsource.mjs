// The npm package "eventsource": a client that reconnects by itself and says which event was its last.
import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { access, bearer, call, deadline } from './access.mjs';

deadline(30_000);
const seen = [];
const lastIds = [];
let wake = () => {};
let cut = null;

const source = new EventSource(access.url + '/v1/tenants?watch=true', {
  fetch: (url, init) => {
    lastIds.push(init.headers['Last-Event-ID']);
    cut = new AbortController();
    const pieces = new TransformStream();
    return fetch(url, { ...init, headers: { ...init.headers, ...bearer }, signal: cut.signal }).then((answer) => {
      answer.body.pipeTo(pieces.writable).catch(() => {});
      return { body: pieces.readable, status: answer.status, url: answer.url, redirected: false, headers: answer.headers };
    });
  },
});
source.onmessage = (event) => {
  const name = JSON.parse(event.data).object?.metadata.name;
  if (name) seen.push(name);
  wake();
};
const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => (wake = resolve));
};

await new Promise((resolve) => (source.onopen = resolve));
await call('POST', '/v1/tenants', { metadata: { name: 'sse-one' } });
await until(() => seen.includes('sse-one'));
cut.abort(new Error('cut'));  // as a proxy or a lost network would
await call('POST', '/v1/tenants', { metadata: { name: 'sse-two' } });
await until(() => seen.includes('sse-two'));
assert.deepEqual(seen, ['sse-one', 'sse-two']);
assert.equal(lastIds[0], undefined);
assert.match(lastIds[1], /^[0-9]+$/);
source.close();
process.exit(0);
