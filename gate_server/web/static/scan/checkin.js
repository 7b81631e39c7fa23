// From a code to what staff are shown: the server's answer, or that there is none. It decides nothing.

import { SlipBeside } from "./beside.js";
import { newNonce, SCAN_MS, slugOf } from "./server.js";
import { signed } from "./duty.js";
import * as queue from "./queue.js";

const TRIES = 2;
const MOST_PEOPLE = 99;
const LEAVES_NO_RECORD = new Set(["check"]);
// What a hardware reader puts before a code; the server strips it too, this is for the eye only.
const READER_PREFIX = /^(?:\s|\]Q[0-6]|\\[0-9]{6})+/;

/** Return a code without what its reader put round it. */
export const bare = (code) => code.replace(READER_PREFIX, "").trim();

/** Return an answer without the codes of tickets: they are for the desk's printer alone. */
export const withoutCodes = (answer) =>
  (answer.tickets ? { ...answer, tickets: answer.tickets.map(({ ticket }) => ({ ticket })) } : answer);

/** Return what of a request was shown by the visitor. */
const presented = ({ code, pick }) => (code === undefined ? { pick } : { code });

/** What staff were asked and did not say: the next scan came, or they went back. */
export class Unsaid extends Error {}

export class CheckIn {
  #unanswered = new Map();

  /**
   * @param {object} parts `server`, `link`, `setup`, and `ask` with `party(seen, most)` and
   *   `pick(vouchers)`, which reject with Unsaid; `changed` is told of the slip that waits
   */
  constructor({ server, link, setup, ask, changed }) {
    Object.assign(this, { server, link, ask });
    this.slips = new SlipBeside({ changed });
    this.payment = new RegExp(`^(?:${setup.payment})$`);
  }

  /** Present a code, or the `pick` of a look-up; return what is to be shown. */
  async present({ code, pick }, terms) {
    const request = this.#request(code, pick, terms);
    const asking = await this.#withParty(request, terms);
    if (asking.shown) return asking.shown;
    if (asking.lost) return this.#lost(request, terms, asking.lost);
    const shown = await this.#decide(asking.request, terms);
    const vouchers = shown.answer?.reason === "several_vouchers" ? shown.answer.vouchers : null;
    if (!vouchers?.length) return shown;
    const chosen = await this.ask.pick(vouchers);
    return this.present({ pick: chosen.pick }, terms);
  }

  #request(code, pick, { mode, direction, party, closing }) {
    const slip = direction === "entry" ? this.slips.find(code) : null;
    const queue = closing?.queue_id;
    const key = `${mode} ${direction} ${party ?? ""} ${queue ?? ""} ${slip ?? ""} ${code ?? pick}`;
    return {
      key,
      // Nobody heard the answer to it: the same nonce tells what was decided.
      nonce: this.#unanswered.get(key) ?? newNonce(),
      ...(code === undefined ? { pick } : { code }),
      mode,
      direction,
      ...(party ? { party } : {}),
      ...(queue ? { queue } : {}),
      ...(slip ? { slip } : {}),
      ...signed(),
    };
  }

  async #withParty(request, { mode, direction }) {
    const asks = this.link.self?.party_default === "ask" && direction === "entry" && mode !== "check";
    if (!asks || request.party || this.#unanswered.has(request.key)) return { request };
    // The party of one is stated, so that admitted and remaining make up all who are left.
    const seen = await this.#ask({ ...request, nonce: newNonce(), mode: "check", party: 1, queue: undefined });
    if (!seen.body) return seen.none ? { lost: seen.none } : { shown: this.#declined(seen, { mode, direction }) };
    const most = Math.min(seen.body.admitted + seen.body.remaining, MOST_PEOPLE);
    if (seen.body.outcome !== "admit" || most <= 1) return { request };
    return { request: { ...request, party: await this.ask.party(seen.body, most) } };
  }

  async #decide(request, terms) {
    const came = await this.#ask(request);
    if (came.body) {
      await this.#forget(request);
      this.slips.note(request.code, came.body, terms.mode);
      return { kind: "verdict", answer: withoutCodes(came.body), mode: terms.mode, direction: terms.direction, presented: presented(request) };
    }
    if (came.problem) {
      await this.#forget(request);
      return this.#declined(came, { ...terms, party: request.party });
    }
    await this.#remember(request, terms);
    return this.#lost(request, terms, came.none);
  }

  #lost(request, terms, why) {
    const { mode, direction } = terms;
    this.link.lost(why);
    if (mode === "arrive" && request.code !== undefined) return this.#keep(request, terms);
    return { kind: "offline", mode, direction };
  }

  #ask({ key, ...request }) {
    const sent = { ...request, scanned_at: new Date().toISOString(), want: ["order"] };
    return this.server.call("POST", "/scans", sent, { waitMs: SCAN_MS, tries: TRIES });
  }

  async #forget({ key, nonce }) {
    if (!this.#unanswered.delete(key)) return;
    await queue.removeUndecided(nonce).catch(() => {});
  }

  #declined(came, terms) {
    return { kind: "declined", slug: slugOf(came.problem), why: came.problem.detail || came.problem.title, mode: terms.mode, terms };
  }

  /** Keep the stamp: it is evidence of the time, and no decision. */
  async #keep({ nonce, code, party, operator, queue: closed }, terms) {
    if (this.payment.test(bare(code))) return { kind: "payment" };
    // The word of nobody attests nothing: the server would not take it either.
    if (closed && !operator) return { kind: "declined", slug: "operator-required", mode: terms.mode, terms };
    const line = {
      stamp: nonce, scanned_at: new Date().toISOString(), code,
      ...(party ? { party } : {}), ...(operator ? { operator } : {}), ...(closed ? { queue: closed } : {}),
    };
    try {
      await queue.add(line);
    } catch {
      return { kind: "unkept" };
    }
    await this.link.recount();
    return { kind: "kept", nonce, closing: terms.closing };
  }

  /** Nobody passes by what was not shown: when the server is back, an unseen admission is annulled. */
  async #remember({ key, nonce }, { mode, direction }) {
    if (LEAVES_NO_RECORD.has(mode)) return;
    this.#unanswered.set(key, nonce);
    // A stamp is sent again, and people who want out are let out: those stay on record.
    if (mode === "arrive" || direction === "exit") return;
    await queue.addUndecided(nonce, Date.now()).catch(() => {});
  }

  /** Note that scans which nobody heard of were settled. */
  settled(nonces) {
    for (const [key, nonce] of this.#unanswered) if (nonces.has(nonce)) this.#unanswered.delete(key);
  }
}
