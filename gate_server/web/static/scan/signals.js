// Say an outcome to the ear and the hand: bells by outcome, another tone where one looks twice.

import { setting } from "./store.js";

const GAP_S = 0.17;
const LENGTH_S = 0.11;
const TONES = { green: 1320, red: 233, yellow: 620, cyan: 988, blue: 440 };
const TWICE = 1760; // a category that is not adult

let sound = null;

/** Browsers let a page sound only once it was touched. */
export function allowSound() {
  sound ??= globalThis.AudioContext ? new AudioContext() : null;
  sound?.resume().catch(() => {});
}

/** Ring and shake as a face says; a face without bells is quiet. */
export function signal(face, { twice = false } = {}) {
  if (face.bells > 0) navigator.vibrate?.(Array.from({ length: face.bells * 2 - 1 }, (_, n) => (n % 2 ? 70 : 90)));
  if (sound === null || setting("sound", true) === false) return;
  for (let bell = 0; bell < face.bells; bell += 1) ring(TONES[face.colour] ?? 880, bell * GAP_S);
  if (twice && face.bells > 0) ring(TWICE, face.bells * GAP_S);
}

function ring(hertz, afterS) {
  const at = sound.currentTime + afterS;
  const tone = new OscillatorNode(sound, { frequency: hertz, type: hertz < 300 ? "square" : "sine" });
  const level = new GainNode(sound, { gain: 0 });
  level.gain.setTargetAtTime(0.5, at, 0.008);
  level.gain.setTargetAtTime(0, at + LENGTH_S, 0.02);
  tone.connect(level).connect(sound.destination);
  tone.start(at);
  tone.stop(at + LENGTH_S + 0.15);
}
