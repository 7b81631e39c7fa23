// What supervisors tell this phone: broadcasts, acknowledged by hand, and why it is busy.

import { button, clean, el, pair } from "./dom.js";
import { get, put } from "./store.js";
import { clockTime } from "./times.js";
import { both, known, say, word } from "./words.js";

const HIGH = { bells: 2, colour: "yellow" };

/** Shows broadcasts one at a time, between scans: never over a verdict. */
export class Broadcasts {
  #waiting = new Map();

  /** @param {object} parts `server`, `ring(face)`, `now()` in milliseconds by the server's clock */
  constructor(place, { server, ring, now }) {
    Object.assign(this, { place, server, ring, now });
  }

  /** Take one as a beat or the event stream told it; it may come more than once. */
  take(message) {
    const id = message?.broadcast_id;
    if (!id || !message.message) return;
    if (message.ended_at) this.#waiting.delete(id);
    else if (!get("understood").includes(id)) {
      const fresh = !this.#waiting.has(id);
      this.#waiting.set(id, message);
      if (fresh && message.priority === "high") this.ring(HIGH);
    }
    this.show();
  }

  /** Return what `heard` has to be given with the answer to a beat that begins now. */
  mark() {
    return [...this.#waiting.keys()];
  }

  /** Take a beat's answer: what it lists, and that what it names no more is over. */
  heard({ messages, in_force: inForce }, mark) {
    const understood = get("understood");
    for (const message of messages ?? []) {
      // The server does not know of it: its answer was lost, or it was restored.
      if (understood.includes(message.broadcast_id)) this.#acknowledge(message.broadcast_id);
      else this.take(message);
    }
    if (!inForce) return;
    for (const id of mark) if (!inForce.includes(id)) this.#waiting.delete(id);
    const still = understood.filter((id) => inForce.includes(id));
    if (still.length < understood.length) put("understood", still);
    this.show();
  }

  /** Show the most urgent that is not over. */
  show() {
    for (const [id, each] of this.#waiting) {
      if (each.expires_at && Date.parse(each.expires_at) < this.now()) this.#waiting.delete(id);
    }
    const all = [...this.#waiting.values()];
    const next = all.find((each) => each.priority === "high") ?? all[0];
    this.place.hidden = next === undefined;
    if (next === undefined) return this.place.replaceChildren();
    this.place.className = `broadcast ${next.priority === "high" ? "high" : "normal"}`;
    const [first, second] = say(next.message);
    return this.place.replaceChildren(
      el("div", { class: "message" }, el("b", {}, el("bdi", { text: clean(first, 500) })), el("small", {}, el("bdi", { text: clean(second, 500) }))),
      button(word("understood"), () => this.#understood(next.broadcast_id)));
  }

  #understood(id) {
    this.#waiting.delete(id);
    put("understood", [...get("understood"), id]);
    this.show();
    this.#acknowledge(id);
  }

  /** Without an answer the next beat lists it again, and it is said again. */
  #acknowledge(id) {
    return this.server.call("POST", `/broadcasts/${encodeURIComponent(id)}/seen`);
  }
}

/** Open the cards that say why it is busy. */
export async function openWhy({ panels, server }) {
  const place = el("div", { class: "cards", "aria-live": "polite" });
  panels.open("why", place);
  const came = await server.call("GET", "/why");
  if (came.body?.cards) {
    const cards = came.body.cards.map(card);
    place.replaceChildren(...(cards.length ? cards : [el("p", { text: word("why_none") })]));
    return;
  }
  const missing = came.problem?.status === 404;
  place.replaceChildren(el("p", { class: "bad", text: missing ? word("unavailable") : clean(came.problem?.detail ?? came.none) }));
}

function card({ title, state, say: sentence, sold, used, still_to_come_today: toCome, terms }) {
  const until = terms?.admit_until ? clockTime(terms.admit_until) : null;
  const figures = [["sold", sold], ["used", used], ["to_come", toCome], ["until", until]].filter(([, n]) => n !== null && n !== undefined);
  return el("article", { class: `card ${clean(state, 20)}` },
    el("h3", {}, el("bdi", { text: clean(title, 80) }), known(state) ? pair(both(state)) : null),
    ...say(sentence).map((text) => el("p", { text: clean(text, 400) })),
    el("p", { class: "detail", text: figures.map(([key, n]) => word(key, { n: clean(n, 20) })).join(" · ") }));
}
