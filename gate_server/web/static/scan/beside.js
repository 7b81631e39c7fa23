// A numbered slip, remembered until the voucher that it is shown with was scanned, too.

const REMEMBERED_MS = 60000; // as long as a visitor needs to find the voucher; the next visitor's is not that one
const REFUSED = new Set(["slip_not_handed_out", "slip_other_day", "slip_bound"]);

/** The slip that was scanned last, in memory only. */
export class SlipBeside {
  #kept = null;
  #timer = 0;

  /** @param {object} parts `changed()`, and `now()` in milliseconds, which goes on while the phone sleeps */
  constructor({ changed, now = Date.now }) {
    Object.assign(this, { changed, now });
  }

  /** Whether a slip waits for its voucher. */
  get waits() {
    if (this.#kept === null) return false;
    const age = this.now() - this.#kept.at;
    // A clock that was set back must not make it last.
    return age >= 0 && age < REMEMBERED_MS;
  }

  /** Return the slip that a code is shown with, or null. */
  find(code) {
    return this.waits && this.#kept.code !== code ? this.#kept.code : null;
  }

  /** Remember a slip that waits for its voucher, and forget it once that was scanned; a look binds nothing. */
  note(code, { reason, voucher }, mode) {
    if (reason === "slip_alone" && code !== undefined) this.#keep({ code, at: this.now() });
    else if ((voucher && mode !== "check") || REFUSED.has(reason)) this.forget();
  }

  forget() {
    this.#keep(null);
  }

  #keep(kept) {
    clearTimeout(this.#timer);
    if (kept === null && this.#kept === null) return;
    this.#kept = kept;
    if (kept) this.#timer = setTimeout(() => this.forget(), REMEMBERED_MS);
    this.changed();
  }
}
