// The closed queue whose people a marshal stamps: chosen by hand, until it is switched off or over.

import { clean, el, pair } from "./dom.js";
import { operatorNow } from "./duty.js";
import { get, put } from "./store.js";
import { clockTime } from "./times.js";
import { both, word } from "./words.js";

const WAIT_MS = 2500;

/** Return the sentence that a stamp counts as a closing, in both languages. */
export const closingLine = (closing) => both("queue_stamps", named(closing));

const named = ({ queue_id: id, closed_at: at }) => ({ id: clean(id, 20), at: clockTime(at) });

export class Closings {
  #open = [];
  #timer = 0;

  /** @param {object} parts `server`, `panels`, `duty`, `now()` by the server's clock, `say(text)`, `changed()` */
  constructor({ server, panels, duty, now, say, changed }) {
    Object.assign(this, { server, panels, duty, now, say, changed });
    this.#wait();
  }

  /** The closing that stamps count as; null: whoever comes arrives now. */
  get chosen() {
    const kept = get("closing");
    return kept && this.#inForce(kept) ? kept : null;
  }

  /** Those in force where this phone stands, as last told. */
  get offered() {
    const { area } = get("self") ?? {};
    return this.#open.filter((each) => each.area === area && this.#inForce(each));
  }

  #inForce({ ends_at: ends }) {
    return this.now() <= Date.parse(ends);
  }

  /** Learn which are in force; the one that was chosen may be over. */
  async learn() {
    const came = await this.server.call("GET", "/queues", undefined, { waitMs: WAIT_MS });
    if (!came.body) return;
    this.#open = came.body.queues.filter((each) => each.open);
    const kept = get("closing");
    if (kept && !this.#open.some((each) => each.queue_id === kept.queue_id)) await this.#end(kept);
    else this.#wait();
    this.changed();
  }

  /** Say so when it is over, also while the server is away. */
  #wait() {
    clearTimeout(this.#timer);
    const kept = get("closing");
    if (kept) this.#timer = setTimeout(() => this.#end(kept), Math.max(0, Date.parse(kept.ends_at) - this.now()) + 1);
  }

  async #end(over) {
    if (get("closing")?.queue_id !== over.queue_id) return;
    await this.choose(null);
    this.say(word("queue_ended", named(over)));
  }

  async choose(closing) {
    await put("closing", closing);
    this.#wait();
    this.changed();
    // Such a stamp rests on the word of whoever signed in.
    if (closing && operatorNow() === null) this.duty.ask();
  }

  /** Ask which; what is in force is looked up first. */
  async open() {
    const place = el("div", { "aria-live": "polite" }, el("p", { text: word("reading") }));
    this.panels.open("queue", place);
    await this.learn();
    const choice = (texts, closing, about) => el("button", {
      type: "button", class: "choice", "aria-pressed": String(this.chosen?.queue_id === closing?.queue_id),
      on: { click: () => { this.panels.close(); this.choose(closing); } },
    }, pair(texts), about ? el("p", {}, el("bdi", { text: about })) : null);
    place.replaceChildren(el("p", {}, pair(both("queue_which"))),
      ...this.offered.map((each) => choice(both("queue_closed", named(each)), each, clean(each.reason, 80))),
      choice(both("queue_none"), null));
  }
}
