// Keep the screen in step with its scanner: draw each picture, and say so when the scanner is gone.
import { draw, drawGone } from "./draw.js";
import { offerHelp } from "./help.js";
import { play } from "./sounds.js";

const SILENCE_MS = 4000; // the scanner gives a sign of life each second
const AGAIN_MS = 700;

let source = null;
let heardAt = performance.now();
let failures = 0;
let edition = "";
let sounded = null;

function alive() {
  heardAt = performance.now();
  failures = 0;
}

function connect() {
  if (source !== null) source.close();
  heardAt = performance.now();
  source = new EventSource("events");
  source.addEventListener("alive", alive);
  source.addEventListener("edition", (event) => {
    // A scanner of another version is back: its page may be another one, too.
    if (edition !== "" && edition !== event.data) location.reload();
    edition = event.data;
  });
  source.addEventListener("picture", (event) => {
    alive();
    const picture = JSON.parse(event.data);
    draw(picture);
    offerHelp(picture);
    sound(picture);
  });
  source.onerror = lose;
}

function lose() {
  source.close();
  failures += 1;
  // The first time it may be the stream alone; a scanner that is there answers at once.
  if (failures > 1) drawGone();
  setTimeout(connect, failures > 1 ? AGAIN_MS : 0);
}

function sound(picture) {
  const verdict = picture.verdict;
  if (verdict === null) {
    if (sounded === null) sounded = "";
    return;
  }
  const name = `${verdict.run}-${verdict.number}`;
  // What was on the screen when this page came is old.
  if (sounded !== null && sounded !== name) play(verdict.sound, verdict.category, picture.level);
  sounded = name;
}

setInterval(() => {
  if (performance.now() - heardAt > SILENCE_MS) {
    failures = 2;
    drawGone();
    connect();
  }
}, 1000);
connect();
