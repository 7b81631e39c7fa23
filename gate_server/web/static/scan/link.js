// The way to the gate server: a beat now and then, the event stream, and what waits to be sent.

import { slugOf } from "./server.js";
import * as queue from "./queue.js";
import { get, put } from "./store.js";

const BEAT_MS = 10000;
const SEEK_MS = 1500; // while the server does not answer
const WAIT_MS = 2500;
const LANES_MS = 60000;
const SETTLE_MS = 2000; // by then a scan that was on its way has been decided or never will be
const REASON = "没有收到应答，未放行 · no answer came, nobody passed";

/**
 * Tells `changed` of every change, `told` of broadcasts, `event` of other events, and `heard` of the
 * answer to a beat, with what `mark` gave when it was asked.
 */
export class Link {
  online = null;
  waiting = 0;
  aheadMs = 0; // of this phone's clock: the server's
  self = get("self");
  #timer = 0;
  #ended = false;
  #listening = null;
  #lanesAt = 0;
  #soon = false;

  constructor({ server, identity, changed, told, event, settled, mark, heard }) {
    Object.assign(this, { server, identity, changed, told, event, settled, mark, heard });
    this.epoch = identity.epoch;
    this.visible = () => (document.hidden ? this.#rest() : this.beat());
    document.addEventListener("visibilitychange", this.visible);
    addEventListener("online", () => this.beat());
  }

  /** Begin: learn who one is, then beat until the end. */
  async start() {
    await this.recount();
    await this.beat();
  }

  end() {
    this.#ended = true;
    this.#rest();
    document.removeEventListener("visibilitychange", this.visible);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#listening?.abort();
    this.#listening = null;
  }

  /** Count what waits; what is shown follows. */
  async recount() {
    this.waiting = await queue.count().catch(() => 0);
    this.changed();
  }

  /** Take notice that a call got no answer. */
  lost() {
    if (this.online === false) return;
    this.online = false;
    this.changed();
    this.#again();
  }

  #again() {
    clearTimeout(this.#timer);
    const soon = this.#soon || !this.online;
    this.#soon = false;
    if (!this.#ended) this.#timer = setTimeout(() => this.beat(), soon ? SEEK_MS : BEAT_MS);
  }

  /** Say that this phone lives, and hear what is new. */
  async beat() {
    clearTimeout(this.#timer);
    const mark = this.mark();
    const came = await this.server.call("POST", "/devices/self/heartbeat", await this.#word(), { waitMs: WAIT_MS });
    if (this.#ended) return;
    if (came.body) await this.#heard(came.body, mark);
    else if (came.none) this.lost();
    this.#again();
  }

  async #word() {
    const battery = await navigator.getBattery?.().catch(() => null);
    this.waiting = await queue.count().catch(() => this.waiting);
    return {
      epoch: this.epoch,
      replica_revision: 0,
      replica_age_s: null,
      outbox_depth: this.waiting,
      device_time: new Date().toISOString(),
      version: "hand",
      ...(battery ? { battery: Math.round(battery.level * 100) } : {}),
    };
  }

  async #heard(beat, mark) {
    const { epoch } = beat;
    const back = this.online !== true;
    this.online = true;
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      put("identity", { ...get("identity"), epoch });
    }
    this.aheadMs = Date.parse(beat.server_time) - Date.now();
    await this.heard(beat, mark);
    // Before it is shown as online: whoever scans then is asked what the venue wants asked.
    if (back) await this.#learn();
    this.changed();
    if (this.waiting) await this.#send();
    await this.#settle();
    if (Date.now() - this.#lanesAt > LANES_MS) await this.#learnLanes();
    if (!this.#listening && !document.hidden) this.#listen();
  }

  async #learn() {
    const came = await this.server.call("GET", "/devices/self", undefined, { waitMs: WAIT_MS });
    if (!came.body) return;
    this.self = came.body;
    put("self", came.body);
  }

  async #learnLanes() {
    const came = await this.server.call("GET", "/lanes", undefined, { waitMs: WAIT_MS });
    this.#lanesAt = Date.now();
    if (came.body?.lanes) put("lanes", { at: Date.now(), lanes: came.body.lanes });
  }

  async #send() {
    const taken = await queue.upload(this.server);
    if (taken) this.event("uploaded", { taken });
    await this.recount();
  }

  /** Take back what the server let in while this phone had said that it knew nothing. */
  async #settle() {
    const settled = new Set();
    for (const { nonce, at } of await queue.undecided().catch(() => [])) {
      if (Date.now() - at < SETTLE_MS) { this.#soon = true; continue; }
      const came = await this.server.call("POST", `/scans/${nonce}/annul`, { reason: REASON }, { waitMs: WAIT_MS });
      if (came.none || [401, 403].includes(came.problem?.status)) continue;
      // The server lets only a supervisor take it back so late: staff must know that it stands.
      if (slugOf(came.problem) === "too-late") {
        await queue.park({ nonce, scanned_at: new Date(at).toISOString() }, came.problem.detail);
        this.event("stuck", { nonce });
      }
      await queue.removeUndecided(nonce);
      settled.add(nonce);
    }
    if (settled.size) this.settled(settled);
  }

  async #listen() {
    const ending = (this.#listening = new AbortController());
    try {
      const response = await this.server.listen(ending.signal);
      if (response.ok) await this.#readEvents(response.body.getReader());
    } catch {
      // Cut off; the next beat tells whether the server is there, and listens again.
    }
    if (this.#listening !== ending) return;
    this.#listening = null;
    if (!this.#ended && this.online) this.beatSoon();
  }

  beatSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.beat(), 200 + Math.random() * 800);
  }

  async #readEvents(reader) {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split("\n\n");
      text = events.pop();
      events.forEach((each) => this.#take(each));
    }
  }

  #take(frame) {
    const field = (name) => frame.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const [name, data] = [field("event"), field("data")];
    if (!name || !data) return;
    const body = JSON.parse(data);
    if (name === "broadcast") this.told(body);
    else this.event(name, body);
  }
}

/** Return the nearest lane that works as last told, of those that lead to where one's own does. */
export function nearestLane(gateId) {
  const last = get("lanes");
  const lane = last?.lanes.find((each) => each.working && each.same_area && each.gate_id !== gateId);
  return lane ? { lane, at: last.at } : null;
}

/** Whether a problem says that this very device was revoked: only then it wipes itself. */
export const revokes = (problem, identity) =>
  slugOf(problem) === "device-revoked" && problem.device_id === identity.device_id;
