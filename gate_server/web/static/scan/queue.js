// What the server has yet to get: arrival stamps and counts, in IndexedDB until it has them.

import { change, entries } from "./database.js";

const MOST_LINES = 200;

export const add = (line) => change("lines", (store) => store.add(line));
export const remove = (key) => change("lines", (store) => store.delete(key));
export const lines = () => entries("lines");
export const rejected = () => entries("rejected");
export const count = async () => (await lines()).length;

/** Remember a scan that the server may have decided without this phone having shown it. */
export const addUndecided = (nonce, at) => change("undecided", (store) => store.put({ nonce, at }));
export const removeUndecided = (nonce) => change("undecided", (store) => store.delete(nonce));
export const undecided = async () => (await entries("undecided")).map(([, value]) => value);

/** Hand the lines over, oldest first; return how many the server has now. Safe to repeat. */
export async function upload(server) {
  let taken = 0;
  for (;;) {
    const some = (await lines()).slice(0, MOST_LINES);
    if (some.length === 0) return taken;
    const body = some.map(([, line]) => `${JSON.stringify(line)}\n`).join("");
    const came = await server.call("POST", "/scans/batch", body, { waitMs: 15000, lines: true });
    if (!Array.isArray(came.body) || came.body.length !== some.length) return taken;
    for (const [place, answer] of came.body.entries()) {
      const [key, line] = some[place];
      if (answer.status === "rejected") await park(line, answer.problem);
      await remove(key);
      taken += answer.status === "rejected" ? 0 : 1;
    }
  }
}

/** Keep that a line was refused and why, without its code; the settings tell of it. */
export function park(line, problem) {
  const nonce = line.stamp ?? line.nonce ?? line.annul;
  return change("rejected", (store) => store.add({ nonce, at: line.scanned_at, problem }));
}
