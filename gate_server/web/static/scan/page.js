// The hand scanner: puts its parts together.

import { Camera } from "./camera.js";
import { wipe } from "./database.js";
import { drawEnrolment, readInvitation } from "./enrol.js";
import { el } from "./dom.js";
import { Station } from "./station.js";
import * as queue from "./queue.js";
import { forget, get, load, set, setting } from "./store.js";
import { speak, word } from "./words.js";

const app = document.getElementById("app");
let station = null;

async function begin() {
  await load();
  const browsers = navigator.language?.startsWith("zh") ? "zh" : "en";
  await set("language", setting("language", browsers));
  speak(setting("language"));
  const setup = await (await fetch("/scan/setup.json")).json();
  navigator.serviceWorker?.register("/scan/worker.js", { scope: "/scan" }).catch(() => {});
  const code = readInvitation(location.href)?.code ?? null;
  // The code must not stay in the address, where others read it and a reload would use it.
  if (location.hash) history.replaceState(null, "", "/scan");
  if (get("identity") && !code) return work(setup);
  return enrolFirst(setup, code);
}

function work(setup) {
  station = new Station(app, setup, { wiped });
  station.start();
}

/** A phone that is nobody shows how to become a device; one that is somebody keeps its place. */
async function enrolFirst(setup, code, problem) {
  if (get("identity") && code) {
    const waiting = await queue.count().catch(() => 0);
    if (waiting) return work(setup);
  }
  const form = drawEnrolment(app, { code, problem, done: () => { camera?.stop(); work(setup); } });
  const camera = code ? null : new Camera(form.video, (text) => {
    const invitation = readInvitation(text);
    if (!invitation) return;
    if (invitation.origin !== location.origin) form.say(word("enrol_other", { origin: invitation.origin }));
    else form.fill(invitation);
  });
  const refused = await camera?.start();
  // Why the phone is nobody any more matters more than its camera.
  if (refused && !problem) form.say(word(refused));
  return undefined;
}

/** Everything that this phone kept is gone: say why. */
async function wiped(problem) {
  station = null;
  await wipe().catch(() => {});
  forget();
  const setup = await (await fetch("/scan/setup.json")).json();
  await set("language", document.documentElement.lang);
  await enrolFirst(setup, null, problem);
}

begin().catch((error) => {
  app.replaceChildren(el("p", { class: "bad", text: `${word("offline")}: ${error.message}` }));
});
