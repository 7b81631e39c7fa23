// Make elements. Every text goes in as text: what a platform wrote is never read as HTML.

// Control characters, and those that turn the direction of what stands beside them.
const ODD = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Return a text from elsewhere as it may be shown: one line, no tricks, not endless. */
export function clean(text, most = 200) {
  const line = String(text ?? "").replace(ODD, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/**
 * Make an element. Properties: `class`, `text`, `on` (listeners), `hidden`; others are attributes.
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
    else made.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const button = (text, press, properties = {}) =>
  el("button", { type: "button", text, on: { click: press }, ...properties });

/** Make a text in both languages: the first large, the second below it. */
export const pair = ([first, second], properties = {}) =>
  el("span", { class: "pair", ...properties }, el("b", { text: first }), el("small", { text: second }));

/** Make a strip for what goes on until staff end it: both languages, and the button that does. */
export const strip = (texts, label, press) => el("div", { class: "strip" }, pair(texts), button(label, press));

/** Let only the top one of a page's layers be reached, by Tab and by a screen reader; layers lie as listed. */
export function keepToTop(layers) {
  const top = layers.findLastIndex((each) => each.some((place) => !place.hidden));
  layers.forEach((each, depth) => each.forEach((place) => { place.inert = depth < top; }));
}

/** Draw a place anew only where what it shows has changed: else it would take the focus away. */
export function redraw(place, shows, make) {
  const now = JSON.stringify(shows);
  if (place.shows === now) return;
  place.shows = now;
  place.replaceChildren(...make().filter(Boolean));
}
