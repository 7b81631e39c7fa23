// Call for help from this lane: one press or F9, then confirmed. It asks the scanner, nobody else.

const ASK_MS = 10000;
const CALL = ["求助", "Help"];
const SURE = ["确认呼叫现场支援", "Call for help now"];

const place = document.getElementById("help");
let asking = null;

function words(button, [zh, en]) {
  const made = [["b", zh, "zh"], ["i", en, "en"]].map(([name, said, lang]) => {
    const part = document.createElement(name);
    part.textContent = said;
    part.lang = lang;
    return part;
  });
  button.replaceChildren(...made);
}

function calm() {
  clearTimeout(asking);
  asking = null;
  place.classList.remove("sure");
  words(place, CALL);
}

function ask() {
  asking = setTimeout(calm, ASK_MS);
  place.classList.add("sure");
  words(place, SURE);
}

async function call() {
  calm();
  try {
    await fetch("help", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  } catch {
    // The page says by itself that the scanner is gone.
  }
}

place.onclick = () => (asking === null ? ask() : call());
addEventListener("keydown", (event) => {
  if (place.hidden || event.repeat) return;
  if (event.key === "F9") (asking === null ? ask : call)();
  else if (event.key === "Escape" && asking !== null) calm();
  else return;
  event.preventDefault();
});

/** Offer it at lanes with staff; visitors alone would try what it does. */
export function offerHelp({ staffed }) {
  if (place.hidden === !staffed) return;
  place.hidden = !staffed;
  calm();
}
