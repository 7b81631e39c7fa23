// Sheets over the page, one at a time, closed from below; and questions that the next scan ends.

import { button, clean, el, pair } from "./dom.js";
import { Unsaid } from "./checkin.js";
import { both, word } from "./words.js";

export class Panels {
  #unsay = null;

  #before = null;

  /** @param {() => void} changed told when a sheet was opened or closed */
  constructor(place, changed) {
    Object.assign(this, { place, changed });
  }

  /** Open a sheet. */
  open(name, ...children) {
    this.close();
    this.#before = document.activeElement;
    this.place.setAttribute("aria-label", both(name).join(" "));
    this.place.replaceChildren(
      el("header", {}, el("h2", {}, pair(both(name)))),
      el("div", { class: "body" }, ...children.filter(Boolean)),
      el("footer", {}, button(word("close"), () => this.close(), { class: "close" })));
    this.place.dataset.name = name;
    this.place.hidden = false;
    this.changed();
    (this.place.querySelector("[autofocus]") ?? this.place.querySelector(".body :is(button, select, input), .close")).focus();
  }

  get name() {
    return this.place.hidden ? null : this.place.dataset.name;
  }

  /** Close; a question that was open stays unanswered. */
  close() {
    this.#unsay?.(new Unsaid());
    this.#unsay = null;
    if (this.place.hidden) return;
    this.place.hidden = true;
    this.place.replaceChildren();
    this.changed();
    // Back to what opened it, for whoever goes by the keyboard.
    if (this.#before?.isConnected) this.#before.focus({ preventScroll: true });
  }

  /** Ask for one of several answers: `[label, value]` each, or an element that calls `answer`. */
  #ask(name, make) {
    return new Promise((done, fail) => {
      const answer = (value) => {
        this.#unsay = null;
        this.close();
        done(value);
      };
      this.open(name, ...make(answer));
      this.#unsay = fail;
    });
  }

  /** Ask how many people come in, 1 to `most`; digits on a keyboard answer too. */
  askParty(seen, most) {
    const about = seen?.voucher ? el("p", { class: "detail" }, el("bdi", { text: clean(seen.voucher.title, 80) })) : null;
    const numbers = (answer) => Array.from({ length: most }, (_, place) =>
      button(String(place + 1), () => answer(place + 1), { class: "number" }));
    return this.#ask("how_many", (answer) => [about, el("div", { class: most > 12 ? "numbers many" : "numbers" }, ...numbers(answer))].filter(Boolean));
  }

  /** Ask which of several vouchers it is. */
  askPick(vouchers) {
    return this.#ask("which", (answer) => vouchers.map((each) => voucherButton(each, () => answer(each))));
  }
}

/** A voucher in a list: masked tail, title, people left. */
export function voucherButton(each, press) {
  return el("button", { type: "button", class: "voucher", on: { click: press } },
    el("b", {}, el("bdi", { text: clean(each.title, 80) })),
    el("span", {}, el("bdi", { text: word("tail", { tail: clean(each.tail, 8) }) }), ` · ${word("left", { n: each.remaining })}`));
}
