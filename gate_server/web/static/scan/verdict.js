// Show what came of a scan, full screen: shape, word, colour, one sentence in both languages.

import { button, clean, el, pair } from "./dom.js";
import { closingLine } from "./closings.js";
import { mayHaveSlip } from "./slip.js";
import { nearestLane } from "./link.js";
import { clockTime } from "./times.js";
import { mayVerify } from "./verify.js";
import { both, say, spoken, word } from "./words.js";

const GONE_MS = 5000; // an admission; anything else stays until staff or the next scan end it
const LONG = 120; // characters in one language from which on type is smaller
const OFFLINE = { shape: "⚠", word: "OFFLINE", zh: "离线", colour: "grey", bells: 3 };
const KEPT = { shape: "✎", word: "NOTED", zh: "已登记", colour: "kept", bells: 1 };

export class VerdictView {
  #timer = 0;

  constructor(place, { setup, gate, annul, slip, verify, changed, ended }) {
    Object.assign(this, { place, setup, gate, annul, slip, verify, changed, ended });
  }

  /** Return how a shown thing looks. */
  faceOf(shown) {
    if (shown.kind === "offline") return OFFLINE;
    if (shown.kind === "kept") return KEPT;
    if (shown.kind !== "verdict") return this.setup.faces[this.setup.call];
    const looks = this.setup.looks[shown.mode] ?? {};
    const look = looks[shown.answer.reason] ?? this.setup.call;
    // A human has answered the call and lets nobody in: the reason stays, the outcome is theirs.
    const turnedAway = look === this.setup.call && shown.answer.outcome === "refuse";
    return this.setup.faces[turnedAway ? this.setup.stop : look];
  }

  /** Show it in place of whatever was shown. */
  show(shown) {
    const face = this.faceOf(shown);
    clearTimeout(this.#timer);
    this.place.replaceChildren(this.#draw(shown, face));
    this.place.className = `verdict ${face.colour} ${shown.kind}`;
    this.place.hidden = false;
    this.changed();
    this.place.querySelector(".next").focus({ preventScroll: true });
    if (shown.kind === "verdict" && shown.answer.outcome === "admit") this.#timer = setTimeout(() => this.hide(), GONE_MS);
  }

  hide() {
    clearTimeout(this.#timer);
    if (this.place.hidden) return;
    this.place.hidden = true;
    this.place.replaceChildren();
    this.changed();
    this.ended();
  }

  #draw(shown, face) {
    const [first, second] = spoken() === "zh" ? [face.zh, face.word] : [face.word, face.zh];
    const long = this.#sentences(shown).some((text) => text.length > LONG);
    return el("div", { class: long ? "sheet notice" : "sheet", role: "alert" },
      el("div", { class: "shape", text: face.shape, "aria-hidden": true }),
      el("h1", { class: first === face.word ? "latin" : null, text: first }),
      el("p", { class: "second", text: second }),
      ...this.#facts(shown),
      ...this.#sentences(shown).map((text, place) => el("p", { class: place ? "sentence small" : "sentence", text: clean(text, 500) })),
      ...this.#details(shown),
      this.#actions(shown));
  }

  #facts({ kind, answer, closing }) {
    if (kind === "kept" && closing) return [el("p", { class: "order" }, pair(closingLine(closing)))];
    if (kind !== "verdict") return [];
    const facts = [];
    const category = answer.voucher?.category ?? "adult";
    if (category !== "adult") {
      const name = this.setup.categories[category] ?? "";
      facts.push(el("p", { class: "category" }, el("b", { text: `${name} ${clean(category, 20).toUpperCase()}`.trim() })));
    }
    if (answer.outcome === "admit" && answer.admitted) facts.push(this.#people(answer));
    const order = answer.voucher?.order;
    if (order) facts.push(el("p", { class: "order" }, pair(both("order", { n: order.admitted, of: order.admits }))));
    if (answer.arrival_number) facts.push(el("p", { class: "people", text: word("arrival_no", { n: clean(answer.arrival_number, 80) }) }));
    if (answer.attested) facts.push(this.#attested(answer.attested));
    if (answer.tickets?.length) facts.push(this.#tickets(answer.tickets));
    return facts;
  }

  #attested({ at, by, queue, slip }) {
    const values = { at: clockTime(at), by: clean(by, 40), id: clean(queue ?? slip, 20) };
    return el("p", { class: "order" }, pair(both(queue ? "attested_queue" : "attested_slip", values)));
  }

  #tickets(tickets) {
    const names = tickets.map(({ ticket }) => el("li", { text: clean(ticket, 20) }));
    return el("div", { class: "tickets" }, pair(both("tickets", { n: tickets.length })), el("ul", {}, ...names));
  }

  #people({ admitted, remaining }) {
    const [first, second] = admitted === 1 ? both("person_in") : both("people_in", { n: admitted });
    const left = remaining ? ` · ${word("left", { n: remaining })}` : "";
    return el("p", { class: "people" }, el("b", { text: first }), ` ${second}${left}`);
  }

  #sentences(shown) {
    if (shown.kind === "verdict") return say(shown.answer.message);
    if (shown.kind === "offline") return both(shown.direction === "exit" ? "exit_offline" : "not_decided");
    const keys = { kept: "kept", unkept: "not_kept", payment: "payment", staff: "not_visitor", declined: "declined" };
    return both(keys[shown.kind]);
  }

  #details({ kind, answer, slug, why }) {
    if (kind === "offline") return [this.#lane()];
    if (kind === "declined") return [el("p", { class: "detail" }, el("bdi", { text: `${clean(why)} (${clean(slug, 40)})` }))];
    if (kind !== "verdict" || !answer.voucher) return [];
    const { tail, title } = answer.voucher;
    return [el("p", { class: "detail" }, el("bdi", { text: word("tail", { tail: clean(tail, 8) }) }), " ", el("bdi", { text: clean(title, 80) }))];
  }

  #lane() {
    const near = nearestLane(this.gate());
    if (!near) return el("p", { class: "lane", text: word("no_lane") });
    const when = clockTime(near.at);
    return el("p", { class: "lane" },
      el("bdi", { text: word("nearest", { name: clean(near.lane.name, 60) }) }), " ",
      el("small", { text: word("nearest_old", { when }) }));
  }

  #actions(shown) {
    const passed = shown.kind === "verdict" && shown.answer.outcome === "admit" && shown.answer.admitted > 0;
    return el("div", { class: "actions" },
      passed ? button(word("annul"), () => this.annul(shown), { class: "annul" }) : null,
      mayVerify(shown) ? button(word("verify"), () => this.verify(shown), { class: "verify" }) : null,
      mayHaveSlip(shown) ? button(word("slip"), () => this.slip(shown), { class: "give" }) : null,
      button(word("next"), () => this.hide(), { class: "next" }));
  }
}
