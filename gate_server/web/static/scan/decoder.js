// Read codes in camera frames: by the browser itself where it can, else by our worker.

const AWAY_MS = 3000;
const START_MS = 15000;

/** Return a reader of frames: `read(bitmap)` gives codes with their places; it closes the bitmap. */
export async function openReader() {
  return (await ownReader()) ?? workerReader();
}

async function ownReader() {
  try {
    const formats = (await globalThis.BarcodeDetector?.getSupportedFormats()) ?? [];
    if (!formats.includes("qr_code")) return null;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return {
      read: async (bitmap) => {
        try {
          return (await detector.detect(bitmap)).map(({ rawValue, boundingBox: box }) => (
            { text: rawValue, x: box.x + box.width / 2, y: box.y + box.height / 2, width: box.width }));
        } finally {
          bitmap.close();
        }
      },
    };
  } catch {
    return null; // Some phones say that they can and then cannot.
  }
}

function workerReader() {
  return new Promise((done, fail) => {
    const worker = new Worker("/static/scan/reader.js");
    const timer = setTimeout(() => fail(new Error("the reader does not start")), START_MS);
    let waiting = null;
    worker.onerror = () => fail(new Error("the reader does not start"));
    worker.onmessage = ({ data }) => {
      if (data.codes) return waiting?.(data.codes);
      clearTimeout(timer);
      if (data.missing) return fail(new Error(data.missing));
      return done({
        read: (bitmap) => new Promise((found) => {
          waiting = found;
          worker.postMessage({ bitmap }, [bitmap]);
        }),
      });
    };
  });
}

/** Choose of several codes the one nearest to the middle of the picture; of two there, the larger. */
export function choose(codes, width, height) {
  const far = ({ x, y }) => Math.hypot(x - width / 2, y - height / 2);
  const near = [...codes].sort((one, other) => far(one) - far(other) || other.width - one.width);
  return near[0] ?? null;
}

/** The same code held before the lens is one scan: it is new again when it was away for a while. */
export class Debounce {
  #seen = new Map();

  isNew(text, now = performance.now()) {
    for (const [code, at] of this.#seen) if (now - at > AWAY_MS) this.#seen.delete(code);
    const fresh = !this.#seen.has(text);
    this.#seen.set(text, now);
    return fresh;
  }
}
