// What the server has yet to get: arrival stamps and counts, in IndexedDB until it has them.

const NAME = "gatehouse-hand";
const MOST_LINES = 200;

let opened = null;

function open() {
  opened ??= new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("lines", { autoIncrement: true });
      asked.result.createObjectStore("undecided", { keyPath: "nonce" });
      asked.result.createObjectStore("rejected", { autoIncrement: true });
    };
    asked.onsuccess = () => {
      // Another page wipes: let go, or its wish to delete would wait for ever.
      asked.result.onversionchange = () => { asked.result.close(); opened = null; };
      done(asked.result);
    };
    asked.onerror = () => { opened = null; fail(asked.error); };
  });
  return opened;
}

/** Run `work` on a store; what it returns is on disk when this returns. */
async function change(store, work) {
  const database = await open();
  return new Promise((done, fail) => {
    const doing = database.transaction(store, "readwrite", { durability: "strict" });
    const asked = work(doing.objectStore(store));
    doing.oncomplete = () => done(asked?.result);
    doing.onerror = doing.onabort = () => fail(doing.error);
  });
}

async function entries(store) {
  const database = await open();
  return new Promise((done, fail) => {
    const found = [];
    const asked = database.transaction(store).objectStore(store).openCursor();
    asked.onsuccess = () => {
      const cursor = asked.result;
      if (cursor === null) return done(found);
      found.push([cursor.key, cursor.value]);
      return cursor.continue();
    };
    asked.onerror = () => fail(asked.error);
  });
}

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

/** Keep that a line was refused and why, without its code. */
function park(line, problem) {
  const nonce = line.stamp ?? line.nonce ?? line.annul;
  return change("rejected", (store) => store.add({ nonce, at: line.scanned_at, problem }));
}

/** Forget everything that stands here. */
export async function wipe() {
  (await open()).close();
  opened = null;
  await new Promise((done) => {
    const asked = indexedDB.deleteDatabase(NAME);
    asked.onsuccess = asked.onerror = asked.onblocked = () => done();
  });
}
