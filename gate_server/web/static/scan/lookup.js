// Find a visitor's vouchers by order or phone, where the code cannot be read; the server audits it.

import { button, clean, el } from "./dom.js";
import { voucherButton } from "./panels.js";
import { word } from "./words.js";

/** Open the look-up; a voucher that is chosen is presented like a code. */
export function openLookup({ panels, server, present }) {
  const found = el("div", { class: "found", "aria-live": "polite" });
  const field = (name, mode) => el("input", { type: "text", inputmode: mode, autocomplete: "off", maxlength: 200, id: `lookup-${name}`, name, autofocus: name === "order_ref" });
  const order = field("order_ref", "text");
  const phone = field("phone", "tel");

  const look = async (event) => {
    event.preventDefault();
    const asked = phone.value.trim() ? { phone: phone.value.trim() } : { order_ref: order.value.trim() };
    if (!asked.phone && !asked.order_ref) return;
    const came = await server.call("POST", "/vouchers/lookup", asked);
    if (!came.body) {
      const why = clean(came.problem?.errors?.[0]?.problem ?? came.problem?.detail ?? came.none);
      found.replaceChildren(el("p", { class: "bad", text: word("lookup_failed", { why }) }));
      return;
    }
    const rows = came.body.vouchers.map((each) => voucherButton(each, () => {
      panels.close();
      present({ pick: each.pick });
    }));
    found.replaceChildren(...(rows.length ? rows : [el("p", { text: word("lookup_none") })]));
    if (came.body.more) found.append(el("p", { class: "detail", text: word("lookup_more") }));
  };

  panels.open("lookup",
    el("form", { on: { submit: look } },
      el("label", { for: "lookup-order_ref", text: word("lookup_order") }), order,
      el("label", { for: "lookup-phone", text: word("lookup_phone") }), phone,
      button(word("lookup_go"), () => {}, { type: "submit", class: "go" })),
    found);
}
