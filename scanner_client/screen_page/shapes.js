// The shapes: they say the verdict without colour and without a font that has them.
const SVG = "http://www.w3.org/2000/svg";

function node(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const svg = (kind, box, ...children) =>
  node("svg", { class: kind, viewBox: box, "aria-hidden": "true" }, ...children);
const full = (d) => node("path", { d, class: "full" });
const cut = (d) => node("path", { d, class: "cut" });
const line = (d) => node("path", { d, class: "line" });

const DISC = "M50 3a47 47 0 1 0 0 94a47 47 0 1 0 0-94z";
const OCTAGON = "M31 4h38l27 27v38l-27 27h-38l-27-27v-38z";
const TICKET = "M6 22h88v18a10 10 0 0 0 0 20v18h-88v-18a10 10 0 0 0 0-20z";
const HANDSET =
  "M30 25l11-6 9 18-8 8c3 7 8 12 14 15l8-8 17 10-6 11c-3 4-8 5-13 3c-19-8-31-21-37-39c-1-5 1-10 5-12z";

const SHAPES = {
  "✓": () => [full(DISC), cut("M26 52l17 17 32-37")],
  "✕": () => [full(OCTAGON), cut("M32 32l36 36M68 32l-36 36")],
  "☎": () => [full(DISC), node("path", { d: HANDSET, class: "hole" })],
  "…": () => [full(DISC), ...[27, 50, 73].map((cx) => node("circle", { cx, cy: 50, r: 8, class: "hole" }))],
  "⚠": () => [full("M50 6l46 86h-92z"), cut("M50 38v24M50 76v1")],
};

export function shapeOf(shape, ticket) {
  const drawn = ticket ? [full(TICKET), cut("M33 51l12 12 24-27")] : (SHAPES[shape] ?? SHAPES["⚠"])();
  return svg("shape", "0 0 100 100", ...drawn);
}

const TURNS = { ahead: 0, left: -90, right: 90, above: 0, below: 180 };

export function arrowOf(way) {
  const arrow = node("path", {
    d: "M50 6l38 42h-22v46h-32v-46h-22z",
    class: "full",
    transform: `rotate(${TURNS[way]} 50 50)`,
  });
  return svg(`arrow to-${way}`, "0 0 100 100", arrow);
}

export function person() {
  return svg("person", "0 0 40 100", node("circle", { cx: 20, cy: 18, r: 15, class: "full" }),
    full("M4 98v-40a16 16 0 0 1 32 0v40z"));
}

// A code that is no code: squares like those of one, which no reader takes for one.
const DOTS = ["M34 44h8v8h-8z", "M58 44h8v8h-8z", "M34 68h8v8h-8z", "M46 44h4v4h-4z", "M46 54h8v4h-8z",
  "M58 58h4v8h-4z", "M62 68h4v8h-4z", "M50 64h4v12h-4z", "M34 58h6v4h-6z"];

export function holdUp(reader, waiting) {
  const phone = node("g", { class: waiting ? "phone moving" : "phone" },
    node("rect", { x: 26, y: 24, width: 48, height: 72, rx: 7, class: "full" }),
    node("rect", { x: 30, y: 31, width: 40, height: 56, rx: 2, class: "hole" }),
    ...DOTS.map((d) => full(d)));
  const beam = waiting ? [] : [node("rect", { x: 22, y: 58, width: 56, height: 4, class: "beam" })];
  const picture = svg("hold", "14 18 72 84", phone, ...beam);
  const made = document.createElement("div");
  made.className = `hold-up at-${reader}`;
  made.append(picture);
  if (waiting) made.append(arrowOf(reader));
  return made;
}
