// Ask whether four digits end the phone that bought a voucher; the server counts and audits it.

import { button, clean, el } from "./dom.js";
import { word } from "./words.js";

const STOPPED = new Set(["used_up", "already_inside"]);

/** Say whether the phone may tell who is the buyer: somebody stopped here with a known voucher. */
export const mayVerify = ({ kind, answer, presented }) => kind === "verdict" && Boolean(presented && answer.voucher)
  && (answer.outcome === "refer" || STOPPED.has(answer.reason));

/** Open the question about a scan that was shown. */
export function openVerify({ panels, server }, { presented }) {
  const told = el("div", { class: "found", "aria-live": "polite" });
  const field = el("input", { id: "verify-digits", autofocus: true, type: "text", inputmode: "numeric", autocomplete: "off", pattern: "[0-9]{4}", maxlength: 4, required: true });

  const ask = async (event) => {
    event.preventDefault();
    const digits = field.value;
    field.value = "";
    const came = await server.call("POST", "/vouchers/verify", { ...presented, phone_last4: digits });
    told.replaceChildren(el("p", came.body ? said(came.body) : { class: "bad", text: word("verify_failed", { why: why(came) }) }));
  };

  panels.open("verify",
    el("form", { on: { submit: ask } },
      el("label", { for: "verify-digits", text: word("verify_digits") }), field,
      button(word("verify_go"), () => {}, { type: "submit", class: "go" })),
    told);
}

const said = ({ matches, tries_left: left }) =>
  (matches ? { class: "good", text: word("verify_yes") } : { class: "bad", text: word("verify_no", { n: left }) });

const why = (came) => clean(came.problem?.errors?.[0]?.problem ?? came.problem?.detail ?? came.none);
