// A scan key types its code like a keyboard: fast, into no field, mostly with Enter behind it.

const SHORTEST = 6;
const QUICK_MS = 60; // nobody types a whole code so fast
const PAUSE_MS = 250; // a reader that sends no Enter is silent when it is done
const FORGET_MS = 1500;

/** Listen to a reader that types; `found` is told of each code. */
export function listenToKeys(found) {
  let typed = "";
  let slowest = 0;
  let last = 0;
  let timer = 0;

  const end = () => {
    clearTimeout(timer);
    const code = typed;
    typed = "";
    slowest = 0;
    return code;
  };

  const rest = () => {
    const code = end();
    if (code.length >= SHORTEST && slowest <= QUICK_MS) found(code);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isField(event.target)) return;
    if (event.timeStamp - last > FORGET_MS) end();
    if (event.key === "Enter" || event.key === "Tab") {
      if (typed.length < SHORTEST) { end(); return; }
      event.preventDefault(); // else it would also press what has the focus
      found(end());
      return;
    }
    if (event.key.length !== 1 || (event.key === " " && typed === "")) return;
    event.preventDefault();
    if (typed !== "") slowest = Math.max(slowest, event.timeStamp - last);
    last = event.timeStamp;
    typed += event.key;
    clearTimeout(timer);
    timer = setTimeout(rest, PAUSE_MS);
  }, true);
}

const isField = (target) =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
