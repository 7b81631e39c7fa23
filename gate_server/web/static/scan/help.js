// Call for help from where this phone is: one press, one to confirm; kept until the server has it.

import { el, pair } from "./dom.js";
import { newNonce, slugOf } from "./server.js";
import { get, put } from "./store.js";
import { clockTime } from "./times.js";
import { both, word } from "./words.js";

const WAIT_MS = 3000;

export class HelpCall {
  #told = null;
  #sending = null;

  /** @param {object} parts `panels`, `server`, `say(text)`, `changed()` told of every change */
  constructor({ panels, server, say, changed }) {
    Object.assign(this, { panels, server, say, changed });
  }

  /** What stands beside the camera while somebody waits for help; null: nobody does. */
  get line() {
    const waiting = get("help");
    if (waiting) return word("help_waiting", { at: clockTime(waiting.called_at) });
    if (!this.#told) return null;
    const at = clockTime(this.#told.called_at);
    const name = this.#told.acknowledged_by;
    if (name) return word("help_seen", { at, who: String(name).slice(0, 40) });
    return word(this.#told.nobody_called ? "help_alone" : "help_called", { at });
  }

  /** Ask whether it is meant. */
  open() {
    this.panels.open("help", el("p", { class: "detail", text: word("help_what") }),
      el("button", { type: "button", class: "choice sure", on: { click: () => this.#call() } }, pair(both("help_sure"))));
  }

  async #call() {
    this.panels.close();
    const call = { nonce: newNonce(), called_at: new Date().toISOString() };
    // A phone that is full still calls while the server is there.
    await put("help", call).catch(() => {});
    this.changed();
    await this.send({ late: false });
  }

  /** Send what waits; one at a time, the same nonce however often. */
  send({ late = true } = {}) {
    this.#sending ??= this.#send(late).finally(() => { this.#sending = null; });
    return this.#sending;
  }

  async #send(late) {
    const call = get("help");
    if (!call) return;
    const body = { kind: "help", nonce: call.nonce, ...(late ? { called_at: call.called_at } : {}) };
    const came = await this.server.call("POST", "/incidents", body, { waitMs: WAIT_MS, tries: 2 });
    if (came.none) { this.changed(); return; }
    // Another press may have come meanwhile.
    if (get("help")?.nonce === call.nonce) await put("help", null);
    if (came.body) this.#told = { ...came.body, called_at: came.body.called_at ?? came.body.opened_at };
    else this.say(word("help_failed", { why: slugOf(came.problem) }));
    this.changed();
  }

  /** Take what a beat says of an open call, after what waits was sent: first of all. */
  async heard(told) {
    if (get("help")) await this.send();
    else this.#told = told ?? null;
  }
}
