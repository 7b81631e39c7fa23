// Count people without a voucher, by kind; without the server the counts wait with the stamps.

import { button, clean, el, pair } from "./dom.js";
import { signed } from "./duty.js";
import { newNonce } from "./server.js";
import * as queue from "./queue.js";
import { both, word } from "./words.js";

export const KINDS = ["free_child", "concession", "staff", "vip", "walk_in", "manual"];

export class Counts {
  #tally = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  #made = [];
  #direction = "entry";

  constructor({ panels, server, link }) {
    Object.assign(this, { panels, server, link });
  }

  open(problem = null) {
    const side = (direction, key) => button(word(key), () => { this.#direction = direction; this.open(); },
      { class: "side", "aria-pressed": String(this.#direction === direction) });
    this.panels.open("count",
      el("div", { class: "sides" }, side("entry", "count_in"), side("exit", "count_out")),
      el("div", { class: "kinds" }, ...KINDS.map((kind) => this.#kind(kind))),
      button(word("undo"), () => this.#undo(), { class: "undo", disabled: this.#made.length === 0 }),
      problem === null ? null : el("p", { class: "bad", role: "alert", text: word("count_failed", { why: clean(problem) }) }));
  }

  #kind(kind) {
    return el("button", { type: "button", class: "kind", "data-kind": kind, on: { click: () => this.#add(kind) } },
      pair(both(kind)), el("output", { text: this.#tally[kind] }), el("span", { class: "plus", text: "+1" }));
  }

  async #add(kind) {
    const count = { nonce: newNonce(), kind, people: 1, direction: this.#direction, ...signed() };
    const came = await this.server.call("POST", "/counts", count, { waitMs: 800, tries: 2 });
    if (came.problem) return this.open(came.problem.detail || came.problem.title);
    let waits = null;
    if (came.none) {
      this.link.lost(came.none);
      // The same nonce: where the server has counted it and only its answer was lost, it is one.
      try {
        waits = await queue.add({ ...count, scanned_at: new Date().toISOString() });
      } catch {
        return this.open(word("not_kept"));
      }
      await this.link.recount();
    }
    this.#tally[kind] += 1;
    this.#made.push(count);
    return this.panels.name === "count" ? this.open() : waits;
  }

  async #undo() {
    const count = this.#made.at(-1);
    const reason = "计数有误 counted by mistake";
    const came = await this.server.call("POST", `/scans/${count.nonce}/annul`, { reason, ...signed() }, { waitMs: 800, tries: 2 });
    const unsent = came.problem?.status === 404;
    if (came.problem && !unsent) return this.open(came.problem.detail || came.problem.title);
    if (came.none || unsent) {
      await queue.add({ annul: count.nonce, reason, ...signed(), scanned_at: new Date().toISOString() });
      await this.link.recount();
    }
    this.#made.pop();
    this.#tally[count.kind] -= 1;
    return this.open();
  }
}
