// The phone's camera: which one, its torch, and a code out of its frames now and then.

import { choose, Debounce, openReader } from "./decoder.js";

const GAP_MS = 60; // some 15 frames a second: smooth for the hand, and the phone stays cool
const WIDE = { width: { ideal: 1280 }, height: { ideal: 720 } };

export class Camera {
  #video;
  #stream = null;
  #reader = null;
  #running = false;
  #debounce = new Debounce();

  /**
   * @param {HTMLVideoElement} video
   * @param {(text: string) => void} found told of each new code
   * @param {() => boolean} busy whether to look away for now
   */
  constructor(video, found, busy = () => false) {
    this.#video = video;
    this.found = found;
    this.busy = busy;
  }

  /** Start; return null, or the name of the word that says why not. */
  async start(deviceId) {
    if (!globalThis.isSecureContext) return "camera_insecure";
    if (!navigator.mediaDevices?.getUserMedia) return "no_camera";
    this.stop();
    try {
      const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: "environment" } };
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { ...which, ...WIDE }, audio: false });
    } catch (error) {
      // The chosen camera may be gone; any other is better than none.
      if (deviceId && error.name === "OverconstrainedError") return this.start();
      return error.name === "NotAllowedError" ? "camera_denied" : "no_camera";
    }
    this.#video.srcObject = this.#stream;
    await this.#video.play().catch(() => {});
    try {
      this.#reader ??= await openReader();
    } catch {
      return "reader_missing";
    }
    this.#run();
    return null;
  }

  stop() {
    this.#running = false;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  async light(on) {
    await this.#track?.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {});
  }

  /** Return the cameras that there are; their names are known once one may be used. */
  static async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    return all.filter((each) => each.kind === "videoinput");
  }

  async #run() {
    const stream = this.#stream;
    this.#running = true;
    while (this.#running && this.#stream === stream) {
      await new Promise((go) => setTimeout(go, GAP_MS));
      if (document.hidden || this.busy() || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) continue;
      await this.#look().catch(() => {});
    }
  }

  async #look() {
    const bitmap = await createImageBitmap(this.#video);
    const { width, height } = bitmap;
    const code = choose(await this.#reader.read(bitmap), width, height);
    if (code !== null && this.#debounce.isNew(code.text)) this.found(code.text);
  }
}
