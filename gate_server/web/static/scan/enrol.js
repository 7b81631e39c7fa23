// Make this phone a device: by the link, by its code in the camera, or typed.

import { button, clean, el, pair } from "./dom.js";
import { newNonce, Server, slugOf } from "./server.js";
import { get, put } from "./store.js";
import { both, word } from "./words.js";

const TRIES = 3;

/** Return what an enrolment QR or link holds, or null: `{origin, code}`. */
export function readInvitation(text) {
  const link = /^(https?:\/\/[^/#?\s]+)(?:\/enrol|\/scan)?#([A-Za-z0-9-]{10,64})(?:\.[A-Za-z0-9_-]*)?$/.exec(text.trim());
  if (link) return { origin: link[1].toLowerCase(), code: link[2] };
  return null;
}

/** Draw the page of a phone that is nobody yet; `done` gets its identity. */
export function drawEnrolment(place, { code, problem, done }) {
  const said = el("p", { class: "bad", role: "alert", text: problem ?? "" });
  const typed = el("input", { id: "enrol-code", type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 64, value: code ?? "" });
  const name = el("input", { id: "enrol-name", type: "text", autocomplete: "off", maxlength: 80 });
  const go = async (event) => {
    event.preventDefault();
    const given = readInvitation(typed.value)?.code ?? typed.value.trim();
    if (given === "") return;
    const came = await enrol(given, name.value.trim());
    if (came.identity) done(came.identity);
    else said.textContent = came.problem;
  };
  const video = el("video", { muted: true, playsinline: true, class: "small" });
  place.replaceChildren(el("main", { class: "enrol" },
    el("h1", {}, pair(both("enrol_title"))),
    code ? null : el("p", {}, pair(both("enrol_scan"))),
    code ? null : video,
    el("form", { on: { submit: go } },
      el("label", { for: "enrol-code", text: word(code ? "enrol_given" : "enrol_code") }), typed,
      el("label", { for: "enrol-name", text: word("enrol_name") }), name,
      button(word("enrol_go"), () => {}, { type: "submit", class: "go" }), said)));
  (code ? name : typed).focus();
  return { video, fill: (invitation) => { typed.value = invitation.code; name.focus(); }, say: (text) => { said.textContent = text; } };
}

/** Enrol under one nonce a code, which outlives a reload, so that a lost answer is safe. */
async function enrol(code, name) {
  const digest = await digestOf(code);
  const pending = get("pending");
  const nonce = pending?.digest === digest ? pending.nonce : newNonce();
  await put("pending", { digest, nonce });
  const body = { code, nonce, ...(name ? { name } : {}) };
  const came = await new Server(null).call("POST", "/devices/enrol", body, { waitMs: 4000, tries: TRIES });
  if (!came.body) {
    if (slugOf(came.problem) === "enrolment-gone") return { problem: word("enrol_gone") };
    return { problem: word("enrol_failed", { why: clean(came.problem?.detail ?? came.none) }) };
  }
  const { device_id, token, gate_id, profile, epoch } = came.body;
  const identity = { device_id, token, gate_id, profile, epoch };
  await put("identity", identity);
  await put("pending", null);
  return { identity };
}

/** Name a secret so that it can be known again, and not be told from it. */
export async function digestOf(text) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`gatehouse enrolment ${text}`));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
