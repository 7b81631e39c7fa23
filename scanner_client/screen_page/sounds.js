// Sounds by outcome and category, made here: no file, and no two alike. A note is
// [frequency in Hz, start in s, length in s, wave].
const OUTCOMES = {
  go: [[660, 0, 0.12, "triangle"], [880, 0.13, 0.22, "triangle"]],
  stop: [[196, 0, 0.22, "sawtooth"], [147, 0.26, 0.4, "sawtooth"]],
  call: [[784, 0, 0.14, "triangle"], [587, 0.18, 0.14, "triangle"], [784, 0.36, 0.2, "triangle"]],
  wait: [[392, 0, 0.35, "sine"]],
  valid: [[1047, 0, 0.12, "triangle"]],
  tickets: [[784, 0, 0.1, "triangle"], [1047, 0.12, 0.1, "triangle"], [1319, 0.24, 0.16, "triangle"]],
  noted: [[1047, 0, 0.1, "triangle"], [1047, 0.18, 0.1, "triangle"]],
};
// Staff look twice at who is no adult: these follow the sound of a GO, VALID or NOTED.
const CATEGORIES = {
  child: [[1760, 0, 0.06], [1760, 0.09, 0.06], [1760, 0.18, 0.06]],
  student: [[1319, 0, 0.09], [1319, 0.14, 0.09]],
  senior: [[523, 0, 0.35]],
  concession: [[988, 0, 0.12], [740, 0.14, 0.18]],
  family: [[880, 0, 0.08], [988, 0.1, 0.08], [1109, 0.2, 0.12]],
  group: [[440, 0, 0.06], [440, 0.1, 0.06], [440, 0.2, 0.06], [440, 0.3, 0.06]],
  annual: [[1480, 0, 0.28]],
  staff: [[330, 0, 0.1], [330, 0.16, 0.1]],
};
const OTHER = [[622, 0, 0.2]];
const WITH_CATEGORY = new Set(["go", "valid", "noted", "tickets"]);
const GAP_S = 0.09;
const EDGE_S = 0.008; // without it each note begins and ends with a click

let context = null;

export function score(sound, category) {
  const notes = OUTCOMES[sound] ?? [];
  if (notes.length === 0 || category === "" || !WITH_CATEGORY.has(sound)) return notes;
  const [, start, length] = notes.at(-1);
  const after = start + length + GAP_S;
  const more = Object.hasOwn(CATEGORIES, category) ? CATEGORIES[category] : OTHER;
  return [...notes, ...more.map(([f, at, s]) => [f, after + at, s, "sine"])];
}

export function arrange(audio, notes, level) {
  for (const [frequency, start, length, wave] of notes) {
    const tone = new OscillatorNode(audio, { frequency, type: wave });
    const gain = new GainNode(audio, { gain: 0 });
    const at = audio.currentTime + start;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(level, at + EDGE_S);
    gain.gain.setValueAtTime(level, at + length - EDGE_S);
    gain.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}

export function play(sound, category, level) {
  const notes = score(sound, category);
  if (notes.length === 0 || level === 0) return;
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  document.body.dataset.sound = context.state;
  arrange(context, notes, level);
}
