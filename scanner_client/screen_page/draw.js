// Draw one picture. Text goes in as text only; no picture brings markup, styles or addresses.
import { arrowOf, holdUp, person, shapeOf } from "./shapes.js";

const PARTY_BUTTONS = 12;
const BIG_WORD = 0.212; // of the screen's height, for the capitals: at least a fifth
const BIG_FONT = "900 100px sans-serif";

const parts = { head: "", stage: "", foot: "" };
let question = null;
let typed = "";

export function element(name, kind, ...children) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

function text(name, kind, words, lang) {
  const made = element(name, kind, words);
  if (lang) made.lang = lang;
  return made;
}

const both = (name, kind, words) => [
  text(name, `${kind} zh`, words.zh, "zh"),
  text(name, `${kind} en`, words.en, "en"),
];

export function draw(picture) {
  const body = document.body;
  body.dataset.scene = picture.scene;
  body.dataset.theme = picture.theme;
  body.dataset.colour = picture.verdict?.colour ?? "";
  body.dataset.quiet = String(picture.verdict !== null && picture.verdict.sound === "");
  delete body.dataset.gone;
  practise(picture.practice || picture.verdict?.practice === true);
  part("head", [picture.lane, picture.operator], () => head(picture));
  const { offline, notice, broadcast, help } = picture;
  part("foot", [offline, notice, broadcast, help, picture.verdict?.offline], () => foot(picture));
  const { scene, lane, say, detail, verdict } = picture;
  part("stage", [scene, lane, say, detail, verdict, picture.question], () => stage(picture));
}

export function drawGone() {
  const body = document.body;
  body.dataset.gone = "true";
  body.dataset.scene = "broken";
  body.dataset.colour = "";
  practise(false);
  const say = { zh: "本通道暂停使用", en: "This lane is out of order" };
  const detail = { zh: "请走其他通道", en: "Please use another lane" };
  part("foot", null, () => []);
  part("stage", ["gone"], () => message({ scene: "broken", say, detail }));
}

// What has not changed stays: it would begin to move, and be read out, anew.
function part(name, facts, make) {
  const key = JSON.stringify(facts);
  if (parts[name] === key) return;
  parts[name] = key;
  const place = document.getElementById(name);
  place.replaceChildren(...make());
  if (name === "stage") speak(place);
  fit();
}

function speak(place) {
  const said = [...place.querySelectorAll("[data-say]")].map((each) => each.textContent);
  document.getElementById("speak").textContent = said.join(" ");
}

function practise(on) {
  const mark = document.getElementById("practice");
  mark.hidden = !on;
  if (on && mark.childElementCount === 0) {
    const band = "练习 PRACTICE · 不作记录 nothing is recorded";
    mark.append(...[band, band, "练习 PRACTICE"].map((words) => text("span", "", words)));
  }
}

// --- head and foot -------------------------------------------------------------------------------

const WAYS = {
  entry: { zh: "入园", en: "Entry" },
  exit: { zh: "出园", en: "Exit" },
  check: { zh: "自助查询", en: "Check only" },
  arrive: { zh: "到场登记", en: "Arrival" },
  exchange: { zh: "换票", en: "Tickets" },
};

function head({ lane, operator }) {
  const kind = lane.mode === "admit" || lane.mode === "reentry" ? lane.direction : lane.mode;
  const way = element("p", "way", ...both("span", "", WAYS[kind]));
  return [
    text("h1", "lane", lane.name),
    operator ? text("p", "operator", operator) : null,
    way,
  ].filter(Boolean);
}

function foot({ offline, notice, broadcast, help, verdict }) {
  const strips = [];
  if (broadcast !== null) {
    const kind = broadcast.high ? "broadcast high" : "broadcast";
    const strip = element("section", kind, ...both("p", "", broadcast));
    strip.setAttribute("role", "status");
    strips.push(strip);
  }
  if (help !== null) {
    const strip = element("section", "help", ...both("p", "", help));
    strip.setAttribute("role", "status");
    strips.push(strip);
  }
  if (notice !== null) strips.push(element("section", "notice", ...both("p", "", notice)));
  if (offline !== null) strips.push(element("section", "offline", ...both("p", "", offline)));
  else if (verdict?.offline) {
    const words = { zh: "离线验票", en: "Decided offline" };
    strips.push(element("section", "offline", ...both("p", "", words)));
  }
  return strips;
}

// --- what fills the screen -----------------------------------------------------------------------

function stage(picture) {
  question = picture.scene === "question" ? picture.question : null;
  typed = "";
  if (picture.scene === "verdict") return verdictOf(picture);
  if (question !== null) return questionOf(question);
  return message(picture);
}

function message({ scene, say, detail, lane }) {
  const [zh, en] = both("h2", "say", say);
  for (const each of [zh, en]) each.dataset.say = "";
  const words = element("div", "words", zh, en, ...both("p", "detail", detail));
  const sign = {
    waiting: () => holdUp(lane.reader, true),
    reading: () => holdUp(lane.reader, false),
    closed: () => shapeOf("✕", false),
    emergency: () => shapeOf("⚠", false),
    broken: () => shapeOf("⚠", false),
  }[scene]();
  return [element("div", "sign", sign), words];
}

function verdictOf({ verdict, lane }) {
  const ticket = verdict.colour === "cyan";
  const sign = element("div", "sign", shapeOf(verdict.shape, ticket));
  if (verdict.passing && lane.way !== "none") sign.append(arrowOf(lane.way));
  const word = element("div", "word", text("span", "", verdict.word, "en"));
  const wordZh = element("div", "word-zh", text("span", "", verdict.word_zh, "zh"));
  for (const each of [word, wordZh]) each.dataset.say = "";
  const [zh, en] = both("p", "sentence", verdict.sentence);
  for (const each of [zh, en]) each.dataset.say = "";
  return [
    sign,
    element("div", "words", word, wordZh),
    element("div", "facts", ...chips(verdict)),
    element("div", "sentences", zh, en),
    element("p", "voucher", voucher(verdict)),
  ];
}

function chips(verdict) {
  const made = [];
  if (verdict.category) {
    const zh = text("b", "", verdict.category_zh, "zh");
    made.push(element("span", "chip category", zh, text("b", "", verdict.category, "en")));
  }
  if (verdict.people > 0) {
    const shown = Math.min(verdict.people, 6);
    const icons = element("span", "people", ...Array.from({ length: shown }, person));
    const noun = verdict.people === 1 ? "person" : "people";
    const count = text("b", "", `${verdict.people} 人`, "zh");
    made.push(element("span", "chip count", icons, count, text("i", "", noun, "en")));
  }
  if (verdict.left > 0) {
    const zh = text("b", "", `余 ${verdict.left} 人`, "zh");
    made.push(element("span", "chip left", zh, text("i", "", `${verdict.left} left`, "en")));
  }
  if (verdict.arrival_number) {
    const label = element("i", "", "排队号 No.");
    made.push(element("span", "chip number", label, text("b", "", verdict.arrival_number)));
  }
  for (const ticket of verdict.tickets) {
    made.push(element("span", "chip ticket", element("i", "", "门票 ticket"), text("b", "", ticket)));
  }
  return made;
}

const voucher = ({ tail, title }) => [tail && `…${tail}`, title].filter(Boolean).join("  ");

// --- questions -----------------------------------------------------------------------------------

function questionOf({ most, title, choices }) {
  const people = choices.length === 0;
  const ask = people
    ? { zh: "几位入园？", en: "How many people?" }
    : { zh: "验哪一张票？", en: "Which voucher?" };
  const [zh, en] = both("h2", "say", ask);
  for (const each of [zh, en]) each.dataset.say = "";
  const many = people && most > PARTY_BUTTONS;
  const keys = many ? pad() : numbers(most, choices);
  const kind = many ? "keys pad" : people ? "keys" : "keys choices";
  const none = button(0, "cancel", text("b", "", "取消", "zh"), text("i", "", "Cancel", "en"));
  return [
    element("div", "ask", zh, en, text("p", "title", title)),
    element("div", kind, ...keys),
    none,
  ];
}

function numbers(most, choices) {
  return Array.from({ length: most }, (_, index) => {
    const choice = choices[index];
    const number = text("b", "", String(index + 1));
    if (choice === undefined) return button(index + 1, "key", number);
    const words = text("span", "", `${choice.title}  …${choice.tail}`);
    return button(index + 1, "key choice", number, words, text("i", "", `${choice.remaining} 人`));
  });
}

function pad() {
  const shown = text("output", "typed", "–");
  const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map((digit) => {
    const key = element("button", "key", text("b", "", String(digit)));
    key.onclick = () => type(String(digit));
    return key;
  });
  const enter = element("button", "key enter", text("b", "", "确定", "zh"), text("i", "", "OK", "en"));
  enter.onclick = send;
  return [shown, ...digits, enter];
}

function button(number, kind, ...children) {
  const made = element("button", kind, ...children);
  made.onclick = () => answer(number);
  return made;
}

async function answer(number) {
  if (question === null) return;
  const body = JSON.stringify({ question_id: question.question_id, number });
  const headers = { "Content-Type": "application/json" };
  try {
    await fetch("answer", { method: "POST", headers, body });
  } catch {
    drawGone();
  }
}

function type(digit) {
  const next = Number(typed + digit);
  typed = next > question.most ? digit : typed + digit;
  const shown = document.querySelector(".typed");
  if (shown) shown.textContent = typed;
  // One more digit would be too many: nobody has to press Enter.
  if (Number(typed) * 10 > question.most) send();
}

function send() {
  const number = Number(typed);
  typed = "";
  if (number >= 1 && number <= question.most) answer(number);
}

addEventListener("keydown", (event) => {
  if (question === null) return;
  if (/^[0-9]$/.test(event.key)) type(event.key);
  else if (event.key === "Enter" && typed !== "") send();
  else if (event.key === "Escape") answer(0);
  else return;
  event.preventDefault();
});

// --- sizes ---------------------------------------------------------------------------------------

let ink = 0;

function capitals() {
  if (ink === 0) {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = BIG_FONT.replace("sans-serif", getComputedStyle(document.body).fontFamily);
    ink = canvas.measureText("H").actualBoundingBoxAscent / 100;
  }
  return ink;
}

// The word's capitals are a fifth of the height, narrowed where the screen is; the Chinese word
// and the rest as large as there is room for.
function fit() {
  const place = document.getElementById("stage");
  const word = place.querySelector(".word");
  if (word !== null) {
    word.style.fontSize = `${(innerHeight * BIG_WORD) / capitals()}px`;
    const inner = word.firstElementChild;
    inner.style.transform = "";
    const wide = inner.getBoundingClientRect().width;
    inner.style.transform = `scaleX(${Math.min(1, word.clientWidth / wide)})`;
  }
  for (const line of place.querySelectorAll(".word-zh, .say")) narrow(line);
  place.style.setProperty("--small", "1");
  for (let small = 0.95; small > 0.4 && place.scrollHeight > place.clientHeight; small -= 0.05) {
    place.style.setProperty("--small", String(small));
  }
}

function narrow(line) {
  line.style.fontSize = "";
  const size = parseFloat(getComputedStyle(line).fontSize);
  const room = line.clientWidth;
  if (line.scrollWidth > room) line.style.fontSize = `${(size * room * 0.98) / line.scrollWidth}px`;
}

addEventListener("resize", fit);
