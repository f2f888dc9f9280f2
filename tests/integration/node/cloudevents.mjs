// The npm package "cloudevents": every event of the host, in each of its forms, is one by the specification, strictly.
import assert from 'node:assert/strict';
import { CloudEvent, HTTP, Mode, ValidationError } from 'cloudevents';
import { access, bearer, deadline } from './access.mjs';

deadline(30_000);
const names = /^[a-z0-9]{1,20}$/;
const required = ['id', 'source', 'specversion', 'type'];

function check(json) {
  for (const name of required) assert.equal(typeof json[name], 'string', name + ' of ' + JSON.stringify(json));
  for (const name of Object.keys(json)) assert.match(name === 'data_base64' ? 'data' : name, names);
  const event = new CloudEvent(json, true);
  assert.equal(event.validate(), true);
  assert.equal(event.specversion, '1.0');
  return event;
}

const answer = await fetch(access.url + '/v1/events?after=0', {
  headers: { ...bearer, Accept: 'application/cloudevents-batch+json' },
});
assert.equal(answer.headers.get('content-type'), 'application/cloudevents-batch+json');
const batch = await answer.json();
assert.ok(batch.length > 3, 'there have been some');
const ids = new Set(batch.map((json) => json.source + ' ' + json.id));
assert.equal(ids.size, batch.length, 'source and id name one event');
for (const json of batch) check(json);
assert.ok(batch.some((json) => json.subject === 'novacron.core/Tenant/default' && json.data.kind === 'novacron.core/Tenant'));

// What the package reads from the HTTP protocol binding is the same.
const [first] = HTTP.toEvent({
  headers: { 'content-type': 'application/cloudevents-batch+json' }, body: JSON.stringify(batch),
});
assert.equal(first.id, batch[0].id);

// One by one.
const cut = new AbortController();
const stream = await fetch(access.url + '/v1/events?after=0', {
  headers: { ...bearer, Accept: 'application/cloudevents+json' }, signal: cut.signal,
});
assert.equal(stream.headers.get('content-type'), 'application/cloudevents+json');
let text = '';
for await (const bytes of stream.body) {
  text += new TextDecoder().decode(bytes);
  if (text.split('\n').length > 3) break;
}
cut.abort();
for (const line of text.split('\n').slice(0, 3)) check(JSON.parse(line));
assert.throws(() => new CloudEvent({ ...batch[0], Not_Allowed: 1 }, true), ValidationError, 'the check can fail');
assert.ok(Mode.STRUCTURED);
process.exit(0);
