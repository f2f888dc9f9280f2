// The npm package "eventsource": a client that reconnects by itself and says which event was its last.
import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { access, bearer, call, deadline } from './access.mjs';

deadline(30_000);
const seen = [];
const lastIds = [];
let wake = () => {};
let cut = () => {};

/// What comes from `reader`, until cut() ends it as a proxy or a lost network would.
function cuttable(reader) {
  return new ReadableStream({
    start(controller) {
      cut = () => {
        controller.error(new Error('cut'));
        reader.cancel().catch(() => {});
      };
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

const source = new EventSource(access.url + '/v1/tenants?watch=true', {
  fetch: async (url, init) => {
    lastIds.push(init.headers['Last-Event-ID']);
    const answer = await fetch(url, { ...init, headers: { ...init.headers, ...bearer } });
    const { status, headers } = answer;
    return { body: cuttable(answer.body.getReader()), status, headers, url: answer.url, redirected: false };
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
cut();
await call('POST', '/v1/tenants', { metadata: { name: 'sse-two' } });
await until(() => seen.includes('sse-two'));
assert.deepEqual(seen, ['sse-one', 'sse-two']);
assert.equal(lastIds[0], undefined);
assert.match(lastIds[1], /^[0-9]+$/);
source.close();
process.exit(0);
