// The phone's database: what is written there is on its disk before anybody is told that it is.

const NAME = "gatehouse-hand";
const STORES = { kept: {}, lines: { autoIncrement: true }, undecided: { keyPath: "nonce" }, rejected: { autoIncrement: true } };

let opened = null;

function open() {
  opened ??= new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) asked.result.createObjectStore(name, options);
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

/** Run `work` on a store; what it wrote is on disk when this returns. */
export async function change(store, work) {
  const database = await open();
  return new Promise((done, fail) => {
    const doing = database.transaction(store, "readwrite", { durability: "strict" });
    const asked = work(doing.objectStore(store));
    doing.oncomplete = () => done(asked?.result);
    doing.onerror = doing.onabort = () => fail(doing.error);
  });
}

/** Return all of a store, oldest first: `[key, value]` each. */
export async function entries(store) {
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

/** Forget everything. */
export async function wipe() {
  (await open()).close();
  opened = null;
  await new Promise((done) => {
    const asked = indexedDB.deleteDatabase(NAME);
    asked.onsuccess = asked.onerror = asked.onblocked = () => done();
  });
}
