// The slip of a refused visitor: made by the server, shown large, and printed where there is a printer.

import { button, clean, el } from "./dom.js";
import { newNonce } from "./server.js";
import { both, say, word } from "./words.js";

const MARGIN = 4;
const SVG = "http://www.w3.org/2000/svg";

/** Say whether a slip may be asked for: the scan is on record, and nobody passed on it. */
export const mayHaveSlip = ({ kind, answer }) => kind === "verdict" && Boolean(answer.scan_id) && answer.outcome !== "admit";

/** Ask for the slip of a shown scan and open it; a lost answer is asked for again, and is no copy more. */
export async function openSlip({ panels, server }, { answer }) {
  const place = el("div", { class: "slip", role: "status" }, el("p", { text: word("reading") }));
  panels.open("slip", place);
  const body = { nonce: newNonce() };
  const came = await server.call("POST", `/scans/${encodeURIComponent(answer.nonce)}/refusal-slip`, body, { tries: 2 });
  if (came.body) place.replaceChildren(...draw(came.body));
  else place.replaceChildren(...both(...failed(came)).map((text) => el("p", { class: "bad", role: "alert", text })));
}

const failed = (came) => (came.problem ? ["slip_none", { why: clean(came.problem.detail) }] : ["slip_offline"]);

function draw(slip) {
  const where = [slip.local_time, slip.gate_name, slip.tail ? word("tail", { tail: clean(slip.tail, 8) }) : null];
  return [
    el("p", { class: "detail" }, el("bdi", { text: clean(slip.venue, 40) })),
    el("h3", { text: clean(slip.number, 20) }),
    slip.copy > 1 ? el("p", { class: "copy", text: both("slip_copy", { n: slip.copy }).join(" ") }) : null,
    picture(slip.modules, slip.number),
    el("p", {}, el("bdi", { text: where.filter(Boolean).map((text) => clean(text, 60)).join(" · ") })),
    slip.title ? el("p", {}, el("bdi", { text: clean(slip.title, 80) })) : null,
    el("p", {}, el("b", { text: say(slip.short).join(" ") })),
    ...say(slip.message).map((text) => el("p", { text: clean(text, 500) })),
    el("p", { class: "detail", text: both("slip_admits").join(" ") }),
    button(word("print"), () => print(), { class: "go" }),
  ].filter(Boolean);
}

/** Draw a code's modules; the server has worked them out. */
function picture(modules, name) {
  const side = modules.length + 2 * MARGIN;
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const dark = modules.flatMap((row, y) => [...row].map((each, x) => (each === "1" ? `M${x + MARGIN} ${y + MARGIN}h1v1h-1z` : "")));
  path.setAttribute("d", dark.join(""));
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("class", "qr");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", clean(name, 20));
  svg.append(path);
  return svg;
}
