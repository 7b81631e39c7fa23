// A worker that reads QR codes in a picture with zxing-wasm, from our own copy; never from a CDN.

const NPM = "/static/npm";
const FAST = { formats: ["QRCode"], tryHarder: false, tryRotate: true, tryInvert: false, tryDownscale: false, maxNumberOfSymbols: 4 };
const FULL = { ...FAST, tryHarder: true, tryInvert: true, tryDownscale: true };

let misses = 0;
let reading = null;

try {
  importScripts(`${NPM}/zxing_reader.js`);
  reading = ZXingWASM.prepareZXingModule({
    overrides: { locateFile: (name) => (name.endsWith(".wasm") ? `${NPM}/zxing_reader.wasm` : `${NPM}/${name}`) },
    fireImmediately: true,
  });
  reading.then(() => postMessage({ ready: true }), (error) => postMessage({ missing: String(error) }));
} catch (error) {
  postMessage({ missing: String(error) });
}

onmessage = async ({ data: { bitmap } }) => {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.drawImage(bitmap, 0, 0);
  bitmap.close();
  const picture = drawing.getImageData(0, 0, canvas.width, canvas.height);
  // A miss is tried harder every other frame: most frames show no code, and the phone stays cool.
  const how = misses % 2 ? FULL : FAST;
  const found = await ZXingWASM.readBarcodes(picture, how);
  misses = found.length ? 0 : misses + 1;
  postMessage({ codes: found.filter((each) => each.isValid).map(place) });
};

/** Say where the middle of a code is and how wide it is, in pixels of the picture. */
function place({ text, position }) {
  const corners = [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft];
  const mean = (axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length;
  const width = Math.hypot(position.topRight.x - position.topLeft.x, position.topRight.y - position.topLeft.y);
  return { text, x: mean("x"), y: mean("y"), width };
}
