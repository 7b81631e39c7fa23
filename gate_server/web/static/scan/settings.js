// How this phone is set, who works with it, and how it is taken out of service.

import { Camera } from "./camera.js";
import { button, clean, el, pair } from "./dom.js";
import * as queue from "./queue.js";
import { get, set, setting } from "./store.js";
import { both, word } from "./words.js";

let installing = null;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  installing = event;
});

/** Open the settings. `page` has `panels`, `duty`, `link`, `speak`, `camera(id)`, `leave()`. */
export async function openSettings(page) {
  const cameras = await Camera.list().catch(() => []);
  const refused = await queue.rejected().catch(() => []);
  const { self } = page.link;
  page.panels.open("settings",
    choice("language", [["zh", "中文"], ["en", "English"]], setting("language", "zh"), (value) => { page.speak(value); openSettings(page); }),
    choice("sound", [["on", word("on")], ["off", word("off")]], setting("sound", true) ? "on" : "off", (value) => set("sound", value === "on")),
    cameras.length > 1 ? choice("camera", cameras.map((each, place) => [each.deviceId, clean(each.label, 40) || `${place + 1}`]), setting("camera", ""), page.camera) : null,
    ...operator(page),
    installing ? button(word("install"), () => installing.prompt(), { class: "choice" }) : null,
    el("p", { class: "detail" }, el("bdi", { text: [self?.name, get("identity").device_id, self?.gate_name, `v${self?.server_version ?? "?"}`].map((each) => clean(each, 40)).join(" · ") })),
    page.link.waiting ? el("p", { text: word("waiting", { n: page.link.waiting }) }) : null,
    ...told(refused),
    leave(page));
}

/** Tell what the server did not take, so that a supervisor can find it by its nonce. */
function told(refused) {
  if (refused.length === 0) return [];
  const rows = refused.slice(-5).map(([, { nonce, at, problem }]) =>
    el("p", { class: "detail" }, el("bdi", { text: `${clean(at, 24)} ${clean(nonce, 64)} ${clean(problem, 120)}` })));
  return [el("p", { class: "bad", text: word("rejected", { n: refused.length }) }), ...rows];
}

function choice(name, values, chosen, take) {
  const list = el("select", { id: `set-${name}`, on: { change: () => take(list.value) } },
    ...values.map(([value, text]) => el("option", { value, text, selected: value === chosen })));
  return el("div", { class: "setting" }, el("label", { for: `set-${name}` }, pair(both(name))), list);
}

function operator(page) {
  const { duty } = page;
  const again = () => openSettings(page);
  if (duty.line === "") return [duty.form(again)];
  const out = async () => { await duty.signOut(); again(); };
  return [el("div", { class: "setting" }, el("span", { text: `${word("operator")} ${duty.line}` }), button(word("sign_out"), out))];
}

function leave(page) {
  let sure = false;
  const press = async () => {
    const waiting = await queue.count();
    if (waiting) { out.textContent = word("forget_waiting", { n: waiting }); return; }
    if (!sure) { sure = true; out.textContent = word("forget_sure"); return; }
    await page.leave();
  };
  const out = button(word("forget"), press, { class: "choice danger" });
  return out;
}
