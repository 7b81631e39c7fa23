// What this phone keeps: who it is, how it is set, and lanes as last told. No visitor's data.

import { change, entries } from "./database.js";

const EMPTY = { identity: null, self: null, settings: {}, pending: null, lanes: null, understood: [], help: null, closing: null };

let kept = { ...EMPTY };

/** Read what was kept; once, before anything else. */
export async function load() {
  kept = { ...EMPTY, ...Object.fromEntries(await entries("kept")) };
}

export const get = (name) => kept[name];

/** Keep a value. It is used at once; it outlives a killed browser when this returns. */
export async function put(name, value) {
  kept = { ...kept, [name]: value };
  await change("kept", (store) => store.put(value, name));
}

export const setting = (name, otherwise) => kept.settings[name] ?? otherwise;

export const set = (name, value) => put("settings", { ...kept.settings, [name]: value });

/** Forget it here too, after the database was wiped. */
export function forget() {
  kept = { ...EMPTY };
}
