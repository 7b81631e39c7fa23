// What this phone keeps: who it is, how it is set, and lanes as last told. No visitor's data.

const KEY = "gatehouse.hand";
const EMPTY = { identity: null, self: null, settings: {}, pending: null, lanes: null };

let kept = read();

function read() {
  try {
    return { ...EMPTY, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return { ...EMPTY };
  }
}

export const get = (name) => kept[name];

export function put(name, value) {
  kept = { ...kept, [name]: value };
  localStorage.setItem(KEY, JSON.stringify(kept));
}

export const setting = (name, otherwise) => kept.settings[name] ?? otherwise;

export const set = (name, value) => put("settings", { ...kept.settings, [name]: value });

/** Forget everything that stands here. */
export function forget() {
  kept = { ...EMPTY };
  localStorage.removeItem(KEY);
}
