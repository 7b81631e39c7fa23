// Who works with this phone: signed in and out at the server, which has the last word on it.

import { button, clean, el, pair } from "./dom.js";
import { digestOf } from "./enrol.js";
import { slugOf } from "./server.js";
import { get, set, setting } from "./store.js";
import { both, word } from "./words.js";

const BADGE = /^GHB1:/i;
const WITHIN_MS = 3000; // a PIN costs the server a tenth of a second, and others may be before it

export const isBadge = (code) => BADGE.test(code);

/** The number of who works here stands on all that this phone sends; null for nobody. */
export const operatorNow = () => setting("duty", null)?.operator ?? null;

/** What a call carries of it. */
export const signed = () => (operatorNow() === null ? {} : { operator: operatorNow() });

export class Duty {
  #changes = 0;

  /** @param {object} parts `server`, `panels`, `say(text)`, `changed()` */
  constructor({ server, panels, say, changed }) {
    Object.assign(this, { server, panels, say, changed });
  }

  /** Say who works here, for staff. */
  get line() {
    const { operator, name } = setting("duty", null) ?? { operator: "", name: "" };
    return `${clean(operator, 40)} ${clean(name, 20)}`.trim();
  }

  /** Whether the server takes no entry before somebody has signed in. */
  get missing() {
    return operatorNow() === null && get("self")?.operator_required === true;
  }

  /** Take a badge: it signs its owner in, and the same one again out. Return whether in. */
  async present(badge) {
    const digest = await digestOf(badge.toUpperCase());
    if (setting("duty", null)?.badge === digest) {
      await this.signOut();
      return false;
    }
    const why = await this.signIn({ badge }, digest);
    if (why !== null) this.say(word("sign_in_failed", { why: clean(why, 80) }));
    return why === null;
  }

  /** Sign in by badge, or by number and PIN; return null, or why not. */
  async signIn(who, digest = null) {
    this.#changes += 1;
    const came = await this.server.call("POST", "/operators/sign-in", who, { waitMs: WITHIN_MS });
    if (!came.body) return this.#whyNot(came);
    this.#changes += 1;
    await set("leaving", false);
    // The name is masked, and by the digest nobody can make the badge.
    await this.#become({ operator: String(came.body.operator), name: String(came.body.name), badge: digest });
    this.say(word("signed_in", { who: this.line }));
    return null;
  }

  /** Sign out; a server that is away is told later. */
  async signOut() {
    this.#changes += 1;
    const who = this.line;
    await set("leaving", true);
    await this.#become(null);
    this.say(word("signed_out", { who }));
    await this.#leave();
  }

  async #leave() {
    const came = await this.server.call("POST", "/operators/sign-out", undefined, { waitMs: WITHIN_MS });
    if (!came.none) await set("leaving", false);
  }

  async #become(duty) {
    await set("duty", duty);
    this.changed();
  }

  /** Return what `heard` has to be given with the answer to a beat that begins now. */
  mark() {
    return this.#changes;
  }

  /** Follow the server, which may have ended it: by the day's end, or because of a lost badge. */
  async heard(operator, mark) {
    if (setting("leaving", false)) await this.#leave();
    else if (mark === this.#changes && (operator ?? null) !== operatorNow()) {
      const who = this.line;
      await this.#become(operator ? { operator, name: "", badge: null } : null);
      if (!operator) this.say(word("signed_out", { who }));
    }
  }

  #whyNot({ problem, none, slug }) {
    if (slug === "too-many") return word("sign_in_locked");
    if (slugOf(problem) === "sign-in-failed") return word("sign_in_wrong");
    return problem?.errors?.[0]?.problem ?? problem?.detail ?? none;
  }

  /** Ask who works here; `then` follows on a sign-in by number. */
  ask(then = () => this.panels.close()) {
    this.panels.open("sign_in_first", el("p", {}, pair(both("sign_in_how"))), this.form(then));
  }

  /** Make the form of number and PIN. */
  form(then) {
    const field = (id, properties) => el("input", { id, inputmode: "numeric", autocomplete: "off", ...properties });
    const number = field("set-operator", { type: "text", maxlength: 40 });
    const pin = field("set-pin", { type: "password", maxlength: 16 });
    const said = el("p", { class: "bad", role: "alert" });
    const go = async (event) => {
      event.preventDefault();
      const given = number.value.trim();
      const why = await this.signIn(isBadge(given) ? { badge: given } : { operator: given, pin: pin.value });
      if (why === null) then();
      else said.textContent = word("sign_in_failed", { why: clean(why) });
    };
    return el("form", { class: "operator", on: { submit: go } },
      el("label", { for: "set-operator", text: `${word("operator")} ${word("operator_no")}` }), number,
      el("label", { for: "set-pin", text: word("pin") }), pin,
      button(word("sign_in"), () => {}, { type: "submit" }), said);
  }
}
