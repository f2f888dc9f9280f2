// A client whose types are generated from the OpenAPI document: what it may send and what it gets, a compiler has checked.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

type Tenant = components['schemas']['novacron.core.v1.Tenant'];
type WatchEvent = components['schemas']['WatchEvent'];

const access = JSON.parse(process.env.NOVACRON_ACCESS!) as { url: string; token: string };
const api = createClient<paths>({ baseUrl: access.url, headers: { Authorization: `Bearer ${access.token}` } });
const name = 'generated';
const place = { path: { name } };

async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<WatchEvent> {
  let rest = '';
  for await (const piece of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

/// Without "watch" the answer is a page.
async function page(limit: number) {
  const { data } = await api.GET('/v1/tenants', { params: { query: { limit } } });
  assert.equal(data !== undefined && 'items' in data, true);
  return data as components['schemas']['novacron.core.v1.TenantList'];
}

const before = await page(500);
const stop = new AbortController();
const watch = await api.GET('/v1/tenants', {
  params: { query: { watch: true, after_revision: before.revision } },
  parseAs: 'stream',
  signal: stop.signal,
});

const made = await api.POST('/v1/tenants', { body: { metadata: { name }, spec: { description: 'first' } } });
assert.equal(made.response.status, 201);
assert.equal(made.response.headers.get('Location'), `/v1/tenants/${name}`);
const tenant: Tenant = made.data!;
assert.equal(tenant.spec?.description, 'first');

const twice = await api.POST('/v1/tenants', { body: { metadata: { name } } });
assert.equal(twice.error?.reason, 'resource.exists');

const etag = made.response.headers.get('ETag')!;
const replaced = await api.PUT('/v1/tenants/{name}', {
  params: { ...place, header: { 'If-Match': etag } },
  body: { metadata: { name }, spec: { description: 'second' } },
});
assert.equal(replaced.data?.spec?.description, 'second');
const lost = await api.DELETE('/v1/tenants/{name}', { params: { ...place, header: { 'If-Match': etag } } });
assert.equal(lost.response.status, 412);
assert.equal(lost.error?.current?.revision, replaced.data?.metadata?.revision);

const patched = await api.PATCH('/v1/tenants/{name}', {
  params: place,
  headers: { 'Content-Type': 'application/merge-patch+json' },
  body: { spec: { description: 'third' } },
});
assert.equal(patched.data?.spec?.description, 'third');
const found = await api.GET('/v1/tenants/{name}', { params: place });
assert.equal(found.data?.spec?.description, 'third');
assert.equal((await page(1)).items?.length, 1);
assert.equal((await api.DELETE('/v1/tenants/{name}', { params: place })).response.status, 200);
assert.equal((await api.GET('/v1/tenants/{name}', { params: place })).response.status, 404);

const seen: string[] = [];
for await (const event of events(watch.data as unknown as ReadableStream<Uint8Array>)) {
  const object = event.object as Tenant | undefined;
  if (object?.metadata?.name === name) seen.push(`${event.type} ${object.spec?.description}`);
  if (event.type === 'DELETED') break;
}
stop.abort();
assert.deepEqual(seen, ['PUT first', 'PUT second', 'PUT third', 'DELETED third']);
console.log('a generated client creates, reads, changes, watches and deletes');
process.exit(0);
