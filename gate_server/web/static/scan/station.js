// An enrolled phone at work: modes, scans, and what stands around them.

import { Camera } from "./camera.js";
import { bare, CheckIn, Unsaid, withoutCodes } from "./checkin.js";
import { Closings, closingLine } from "./closings.js";
import { Counts } from "./counts.js";
import { button, clean, el, keepToTop, pair, redraw, strip } from "./dom.js";
import { Duty, isBadge } from "./duty.js";
import { readInvitation } from "./enrol.js";
import { HelpCall } from "./help.js";
import { Link, revokes } from "./link.js";
import { openLookup } from "./lookup.js";
import { Panels } from "./panels.js";
import * as queue from "./queue.js";
import { Recent } from "./recent.js";
import { Server } from "./server.js";
import { openSettings } from "./settings.js";
import { allowSound, signal } from "./signals.js";
import { openSlip } from "./slip.js";
import { get, set, setting } from "./store.js";
import { Broadcasts, openWhy } from "./told.js";
import { VerdictView } from "./verdict.js";
import { openVerify } from "./verify.js";
import { listenToKeys } from "./wedge.js";
import { both, speak, word } from "./words.js";

const MOST_PARTY = 12;

export class Station {
  #turn = 0;
  #ahead = Promise.resolve();
  #next = () => {};
  #busy = 0;
  #party = null;
  #torch = false;
  #notice = null;
  #waiting = null; // a scan that somebody has to sign in for
  #ended = false;

  constructor(app, setup, { wiped }) {
    const identity = get("identity");
    Object.assign(this, { app, setup, identity, wiped });
    // First what the profile is for, then to look only.
    const [first, ...others] = setup.modes[identity.profile].filter((mode) => mode !== "check");
    this.modes = [first, "check", ...others, ...(identity.profile === "gate" ? ["exit", "count"] : [])];
    this.mode = this.modes.includes(setting("mode")) ? setting("mode") : first;
    this.server = new Server(identity.token, (slug, problem) => this.#turnedAway(slug, problem));
    this.#draw();
    this.#join();
  }

  #draw() {
    this.place = {
      bar: el("header", { class: "bar" }), notices: el("div", { class: "notices", "aria-live": "polite" }),
      broadcast: el("div", { class: "broadcast", role: "status", hidden: true }),
      video: el("video", { muted: true, playsinline: true }), status: el("p", { class: "status", "aria-live": "polite" }),
      tools: el("div", { class: "tools" }), modes: el("nav", { class: "modes", "aria-label": both("mode").join(" ") }),
      verdict: el("section", { class: "verdict", hidden: true }), panel: el("section", { class: "panel", role: "dialog", "aria-modal": true, hidden: true }),
    };
    const { bar, notices, broadcast, video, status, tools, modes, verdict, panel } = this.place;
    const view = el("main", { class: "view" }, video, el("div", { class: "aim", "aria-hidden": true }), status);
    const foot = el("footer", { class: "foot" }, tools, modes);
    this.app.replaceChildren(bar, broadcast, notices, view, foot, verdict, panel);
    this.layered = () => keepToTop([[bar, broadcast, notices, view, foot], [verdict], [panel]]);
  }

  #join() {
    const { server, setup } = this;
    this.panels = new Panels(this.place.panel, this.layered);
    this.duty = new Duty({ server, panels: this.panels, say: (text) => this.#say(text), changed: () => this.#drawAround() });
    this.help = new HelpCall({ server, panels: this.panels, say: (text) => this.#say(text), changed: () => this.#drawAround() });
    this.broadcasts = new Broadcasts(this.place.broadcast, { server, ring: (face) => signal(face), now: () => Date.now() + this.link.aheadMs });
    this.link = new Link({
      server, identity: this.identity, changed: () => this.#drawAround(), told: (each) => this.broadcasts.take(each),
      event: (name, body) => this.#heard(name, body), settled: (nonces) => this.checkIn.settled(nonces),
      mark: () => [this.broadcasts.mark(), this.duty.mark()], heard: (beat, mark) => this.#beaten(beat, mark),
    });
    this.view = new VerdictView(this.place.verdict, {
      setup, gate: () => this.link.self?.gate_id ?? this.identity.gate_id,
      annul: (shown) => { this.view.hide(); this.recent.ask(shown); },
      slip: (shown) => openSlip(this, shown), verify: (shown) => openVerify(this, shown),
      changed: this.layered, ended: () => this.broadcasts.show(),
    });
    this.recent = new Recent({ panels: this.panels, server, faceOf: (shown) => this.view.faceOf(shown), slip: (shown) => openSlip(this, shown) });
    this.closings = new Closings({
      server, panels: this.panels, duty: this.duty, now: () => Date.now() + this.link.aheadMs,
      say: (text) => this.#say(text), changed: () => this.#drawAround(),
    });
    this.counts = new Counts({ panels: this.panels, server, link: this.link });
    this.checkIn = new CheckIn({
      server, link: this.link, setup, changed: () => this.#drawAround(),
      ask: {
        party: (seen, most) => this.#asks(this.panels.askParty(seen, most)),
        pick: (vouchers) => this.#asks(this.panels.askPick(vouchers)),
      },
    });
    this.lens = new Camera(this.place.video, (text) => this.present({ code: text }), () => this.#busy > 0);
  }

  async start() {
    this.#drawAround();
    this.hidden = () => (document.hidden ? this.lens.stop() : this.#openCamera());
    document.addEventListener("visibilitychange", this.hidden);
    document.addEventListener("pointerdown", allowSound);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !this.#ended) this.#escape(); });
    listenToKeys((code) => { if (!this.#ended) this.present({ code }); });
    // Else a browser that is short of room may throw stamps away.
    navigator.storage?.persist?.().catch(() => {});
    navigator.wakeLock?.request("screen").catch(() => {});
    await Promise.all([this.link.start(), this.#openCamera()]);
  }

  async #openCamera() {
    if (this.#ended) return;
    this.#notice = await this.lens.start(setting("camera", ""));
    this.#drawAround();
  }

  #escape() {
    if (this.panels.name) this.panels.close();
    else this.view.hide();
  }

  // --- one scan ----------------------------------------------------------------------------------

  /** Present a code or a pick; the next scan never waits for the last one. */
  async present(what, terms) {
    if (this.#ended) return;
    const code = bare(what.code ?? "");
    if (isBadge(code)) { await this.#presentBadge(code); return; }
    if (readInvitation(code)) { this.#show({ kind: "staff" }); return; }
    await this.#inTurn(() => this.#present(what, terms));
  }

  async #presentBadge(badge) {
    const waiting = this.#waiting;
    if (await this.duty.present(badge)) this.#signedIn(waiting);
  }

  /** Go on with the scan that waited for somebody to sign in, if it still does. */
  #signedIn(waiting) {
    const still = this.panels.name === "sign_in_first";
    if (still) this.panels.close();
    if (still && waiting && waiting === this.#waiting) this.present(waiting.what, waiting.terms);
  }

  /** What was decided is shown before the next is asked about; a question waits for nobody. */
  async #inTurn(work) {
    const ahead = this.#ahead;
    const mine = new Promise((go) => { this.#next = go; });
    const next = this.#next;
    this.#ahead = mine;
    this.#busy += 1;
    mine.then(() => { this.#busy -= 1; });
    await ahead;
    this.#next = next;
    await work().finally(next);
  }

  async #present(what, terms = this.#terms()) {
    this.#turn += 1;
    const turn = this.#turn;
    this.panels.close();
    this.#waiting = null;
    this.place.status.textContent = word("reading");
    try {
      const shown = await this.checkIn.present(what, terms);
      if (turn === this.#turn && !this.#ended) this.#show(shown, what);
      else this.recent.note(shown);
    } catch (error) {
      if (!(error instanceof Unsaid)) throw error;
    } finally {
      if (turn === this.#turn) this.#drawAround();
    }
  }

  /** Let the next scan come while staff are asked; it ends the question. */
  #asks(question) {
    this.#next();
    return question;
  }

  #terms() {
    const party = this.#party;
    this.#party = null;
    if (this.mode === "exit" || this.mode === "count") return { mode: "admit", direction: this.mode === "exit" ? "exit" : "entry", party };
    return { mode: this.mode, direction: "entry", party, closing: this.#closing };
  }

  /** The closing that this phone's stamps count as now. */
  get #closing() {
    return this.mode === "arrive" ? this.closings.chosen : null;
  }

  #show(shown, what) {
    if (shown.slug === "operator-required") { this.#askWho({ what, terms: shown.terms }); return; }
    this.recent.note(shown);
    this.view.show(shown);
    const category = shown.answer?.voucher?.category ?? "adult";
    signal(this.view.faceOf(shown), { twice: category !== "adult" });
  }

  /** Nothing was decided before somebody signs in: the scan goes on from there. */
  #askWho(waiting) {
    this.#waiting = waiting;
    this.view.hide();
    this.duty.ask(() => this.#signedIn(waiting));
  }

  async #beaten(beat, [held, mark]) {
    this.broadcasts.heard(beat, held);
    await this.help.heard(beat.help);
    await this.duty.heard(beat.operator, mark);
    if (this.modes.includes("arrive")) await this.closings.learn();
  }

  #heard(name, body) {
    if (name === "uploaded") this.#say(word("uploaded", { n: body.taken }));
    if (name === "stuck") this.#say(word("stuck"));
    if (name === "gate" && body.gate_id === this.link.self?.gate_id) {
      this.gateState = body.emergency ? "emergency" : body.state;
      this.#drawAround();
    }
    if (name !== "verdict") return;
    // A supervisor has decided about a holder whom this phone had stopped.
    const known = this.recent.find(body.nonce);
    if (known) this.#show({ ...known, kind: "verdict", answer: withoutCodes(body) });
  }

  // --- what stands around it ---------------------------------------------------------------------

  #drawAround() {
    if (this.#ended) return;
    const { link, place } = this;
    const state = link.online === null ? "connecting" : link.online ? "online" : "offline";
    const names = [link.self?.gate_name ?? this.identity.gate_id, [link.self?.name ?? "", this.duty.line].filter(Boolean).join(" · ")].map((each) => clean(each, 40));
    redraw(place.bar, [names, state, setting("language")], () => this.#bar(names, state));
    const notices = [
      state === "offline" ? word("offline_word") : null,
      link.waiting ? word("waiting", { n: link.waiting }) : null,
      this.gateState && this.gateState !== "open" ? word(this.gateState) : null,
      this.help.line,
      this.said,
    ].filter(Boolean);
    const first = this.duty.missing && this.gateState !== "emergency";
    const closing = this.#closing && closingLine(this.#closing);
    const beside = this.checkIn.slips.waits && both("slip_beside");
    redraw(place.notices, [notices, first, closing, beside], () => [
      closing ? strip(closing, word("off"), () => this.closings.choose(null)) : null,
      beside ? strip(beside, word("drop"), () => this.checkIn.slips.forget()) : null,
      first ? button(word("sign_in_first"), () => this.duty.ask(), { class: "first" }) : null,
      ...notices.map((text) => el("p", { text }))]);
    place.notices.classList.toggle("alarm", state === "offline" || this.gateState === "emergency");
    place.status.textContent = word(this.#notice ?? "aim");
    this.app.classList.toggle("blind", this.#notice !== null);
    const closable = this.mode === "arrive" && this.closings.offered.length > 0;
    redraw(place.tools, [this.lens.hasTorch, this.#torch, this.#party, closable, closing, setting("language")], () => this.#tools(closable));
    redraw(place.modes, [this.mode, setting("language")], () => this.#modes());
  }

  #bar([gate, name], state) {
    const other = setting("language") === "zh" ? "en" : "zh";
    return [
      el("span", { class: "gate" }, el("b", {}, el("bdi", { text: gate })), el("small", {}, el("bdi", { text: name }))),
      button(word("help"), () => this.help.open(), { class: "lang help" }),
      el("span", { class: `link ${state}`, role: "status", text: word(state) }),
      button(other === "en" ? "EN" : "中", () => this.speak(other), { class: "lang", "aria-label": "English / 中文" }),
    ];
  }

  #tools(closable) {
    const tool = (icon, text, press, properties = {}) =>
      el("button", { type: "button", on: { click: press }, ...properties }, el("i", { text: icon, "aria-hidden": true }), el("span", { text }));
    return [
      this.lens.hasTorch ? tool("☀", word("torch"), () => this.#light(), { "aria-pressed": String(this.#torch) }) : null,
      closable ? tool("⚑", word("queue"), () => this.closings.open(), { class: "queue", "aria-pressed": String(this.#closing !== null) }) : null,
      tool("⌨", word("type"), () => this.#type()),
      tool("⚇", this.#party ? word("people_in", { n: this.#party }) : word("party"), () => this.#choosePartySize(), { "aria-pressed": String(this.#party !== null) }),
      tool("↺", word("recent"), () => this.recent.open()),
      tool("☰", word("more"), () => this.#more()),
    ];
  }

  #modes() {
    return this.modes.map((mode) => el("button", {
      type: "button", "aria-pressed": String(mode === this.mode), "data-mode": mode, on: { click: () => this.#turnTo(mode) },
    }, pair(both(mode))));
  }

  #turnTo(mode) {
    if (mode === "count") { this.counts.open(); return; }
    this.mode = mode;
    set("mode", mode);
    this.view.hide();
    this.#drawAround();
  }

  #say(text) {
    this.said = text;
    this.#drawAround();
    setTimeout(() => { this.said = null; this.#drawAround(); }, 4000);
  }

  async #light() {
    this.#torch = !this.#torch;
    await this.lens.light(this.#torch);
    this.#drawAround();
  }

  #type() {
    const field = el("input", { id: "typed-code", autofocus: true, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 512, "aria-label": word("type") });
    const go = (event) => {
      event.preventDefault();
      if (field.value.trim()) this.present({ code: field.value });
    };
    this.panels.open("type", el("form", { on: { submit: go } }, field, button(word(this.mode), () => {}, { type: "submit", class: "go" })));
  }

  #choosePartySize() {
    const take = (party) => { this.#party = party; this.panels.close(); this.#drawAround(); };
    this.panels.open("party", el("p", { text: word("party_next") }),
      el("div", { class: "numbers" }, ...Array.from({ length: MOST_PARTY }, (_, place) => button(String(place + 1), () => take(place + 1), { class: "number" }))),
      button(word("party_auto"), () => take(null), { class: "choice" }));
  }

  #more() {
    const choice = (key, press) => el("button", { type: "button", class: "choice", on: { click: press } }, pair(both(key)));
    const present = (what) => this.present(what);
    const looksUp = ["gate", "exchange"].includes(this.identity.profile);
    this.panels.open("more",
      looksUp ? choice("lookup", () => openLookup({ panels: this.panels, server: this.server, present })) : null,
      choice("why", () => openWhy(this)),
      choice("settings", () => openSettings(this)));
  }

  // --- what the settings change ------------------------------------------------------------------

  speak(language) {
    set("language", language);
    speak(language);
    this.panels.close();
    this.view.hide();
    this.#drawAround();
    this.broadcasts.show();
  }

  camera = async (deviceId) => {
    set("camera", deviceId);
    await this.#openCamera();
  };

  // --- the end -----------------------------------------------------------------------------------

  async #turnedAway(slug, problem) {
    if (this.#ended) return;
    if (revokes(problem, this.identity)) {
      this.#ended = true;
      // What it did is evidence, even of a device that counts for nothing any more.
      if (this.link.waiting) await queue.upload(this.server).catch(() => {});
      await this.#leave(word("revoked"));
    } else if (slug === "device-unknown" || slug === "unauthorized") this.#say(word("unknown"));
    else if (slug === "device-suspended") this.#say(word("suspended"));
  }

  leave() {
    this.#ended = true;
    return this.#leave(null);
  }

  async #leave(problem) {
    this.link.end();
    this.lens.stop();
    document.removeEventListener("visibilitychange", this.hidden);
    await this.wiped(problem);
  }
}
