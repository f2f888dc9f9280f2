// How to reach the daemon under test.
import fs from 'node:fs';

export const access = JSON.parse(process.env.NOVACRON_ACCESS);
export const ca = fs.readFileSync(access.ca);
export const bearer = { Authorization: `Bearer ${access.token}` };
export const json = { ...bearer, 'Content-Type': 'application/json' };

/// Ends the process with an error when something takes too long.
export function deadline(ms) {
  setTimeout(() => {
    console.error(`not done within ${ms} ms`);
    process.exit(1);
  }, ms).unref();
}

export async function call(method, path, body) {
  const answer = await fetch(access.url + path, { method, headers: json, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}
