// The last five scans of this phone, in memory only, and taking people back who did not pass.

import { button, clean, el, pair } from "./dom.js";
import { signed } from "./duty.js";
import { mayHaveSlip } from "./slip.js";
import { clockTime } from "./times.js";
import { both, say, word } from "./words.js";

const MOST = 5;
const REASONS = ["annul_did_not_pass", "annul_wrong_mode", "annul_wrong_people"];

export class Recent {
  #scans = [];

  constructor({ panels, server, faceOf, slip }) {
    Object.assign(this, { panels, server, faceOf, slip });
  }

  note(shown) {
    if (shown.kind !== "verdict" || shown.mode === "check") return;
    const { presented, ...kept } = shown; // the code goes with the verdict
    this.#scans = [{ ...kept, at: new Date() }, ...this.#scans.filter((each) => each.answer.nonce !== shown.answer.nonce)].slice(0, MOST);
  }

  /** Return the scan that an override is about, if it is one of the last. */
  find(nonce) {
    return this.#scans.find((each) => each.answer.nonce === nonce);
  }

  open() {
    const rows = this.#scans.map((shown) => this.#row(shown));
    this.panels.open("recent", ...(rows.length ? rows : [el("p", { text: word("nothing_yet") })]));
  }

  #row(shown) {
    const { answer, at } = shown;
    const face = this.faceOf(shown);
    return el("div", { class: `scan ${face.colour}` },
      el("span", { class: "mark", text: face.shape, "aria-hidden": true }),
      el("span", { class: "what" },
        el("b", {}, el("bdi", { text: `${face.word} ${word("tail", { tail: clean(answer.voucher?.tail ?? "—", 8) })}` })),
        el("small", {}, el("bdi", { text: `${clockTime(at, { second: "2-digit" })} · ${clean(say(answer.message)[0], 80)}` }))),
      answer.outcome === "admit" && answer.admitted > 0
        ? button(word("annul"), () => this.ask(shown), { class: "annul" }) : null,
      mayHaveSlip(shown) ? button(word("slip"), () => this.slip(shown), { class: "give" }) : null);
  }

  /** Ask how many did not pass, and why; then annul. */
  ask(shown) {
    const all = shown.answer.admitted;
    let people = all;
    const numbers = Array.from({ length: all }, (_, place) => button(String(place + 1), (event) => {
      people = place + 1;
      for (const each of numbers) each.setAttribute("aria-pressed", String(each === event.target));
    }, { class: "number", "aria-pressed": String(place + 1 === all) }));
    this.panels.open("annul",
      ...(all > 1 ? [el("h3", {}, pair(both("annul_people"))), el("div", { class: "numbers" }, ...numbers)] : []),
      el("h3", {}, pair(both("annul_why"))),
      ...REASONS.map((reason) => el("button", { type: "button", class: "choice", on: { click: () => this.#annul(shown, reason, people) } }, pair(both(reason)))));
  }

  async #annul(shown, reason, people) {
    const before = shown.taken ?? 0;
    const said = `${word(reason, {}, "zh")} ${word(reason, {}, "en")}`;
    const part = people < shown.answer.admitted || before > 0 ? { people: before + people } : {};
    const came = await this.server.call("POST", `/scans/${shown.answer.nonce}/annul`, { reason: said, ...part, ...signed() });
    if (!came.body) {
      const why = clean(came.problem?.detail ?? came.none);
      return this.panels.open("annul", el("p", { class: "bad", role: "alert", text: word("annul_failed", { why }) }));
    }
    const found = this.find(shown.answer.nonce);
    if (found) Object.assign(found, { answer: came.body, taken: before + people });
    return this.panels.open("annul", el("p", { class: "good", role: "alert", text: word("annulled", { n: people }) }));
  }
}
