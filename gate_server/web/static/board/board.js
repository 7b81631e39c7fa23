// What htmx does not do: dialogs that hold the focus, pages that say when they are out of date, and
// pages that move where there is no htmx.

const STALE_AFTER_MS = 5000;

const dialogs = document.getElementById("dialog");

function openDialog() {
  const dialog = dialogs.querySelector("dialog[data-modal]");
  if (!dialog) return;
  dialog.removeAttribute("open");
  dialog.showModal();
  dialog.addEventListener("close", () => {
    dialogs.replaceChildren();
    // What was made is shown in the dialog; the page behind it learns of it now.
    if ("acted" in dialog.dataset) refresh();
  });
  showCopies();
  showChips();
}

// Only where the browser lets a page copy is there a button for it.
function showCopies() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

// What is usual is chosen by one press; the field beside it takes anything else.
function showChips() {
  for (const chips of document.querySelectorAll(".chips[hidden]")) {
    const field = document.getElementById(chips.querySelector("[data-fill]").dataset.fill);
    const mark = () => {
      for (const chip of chips.children) {
        chip.setAttribute("aria-pressed", String(chip.value === field.value));
      }
    };
    chips.hidden = false;
    // The list of the browser's own would lie over them.
    field.removeAttribute("list");
    field.addEventListener("input", mark);
    chips.addEventListener("click", (event) => {
      const chip = event.target.closest("[data-fill]");
      if (!chip) return;
      field.value = chip.value;
      mark();
    });
    mark();
  }
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard.writeText(field.value);
  button.textContent = button.dataset.copied;
}

function refresh() {
  const part = document.querySelector("[data-refresh]");
  if (part && window.htmx) window.htmx.trigger(part, "refresh");
}

// Each part as it comes: nothing but the focus is lost.
function moveWithout(address, hear) {
  const source = new EventSource(address);
  for (const part of document.querySelectorAll("[sse-swap]")) {
    source.addEventListener(part.getAttribute("sse-swap"), (event) => {
      part.innerHTML = event.data;
      hear();
    });
  }
  source.addEventListener("ended", () => window.location.reload());
}

// Once the live parts have stood still for too long they may be wrong, and say so.
function watchAge() {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  let heard = Date.now();
  const hear = () => {
    heard = Date.now();
    document.body.classList.remove("stale");
  };
  document.body.addEventListener("htmx:sseMessage", hear);
  if (!window.htmx) moveWithout(live.dataset.live, hear);
  setInterval(() => {
    document.body.classList.toggle("stale", Date.now() - heard > STALE_AFTER_MS);
  }, 1000);
}

showCopies();
showChips();
document.body.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  pressed = event.target.closest("a.act") ?? pressed;
  // What is seldom wanted of the menu is in the way once something else is pressed.
  const more = document.querySelector("details.more");
  if (more && !more.contains(event.target)) more.open = false;
});
dialogs.addEventListener("htmx:afterSwap", openDialog);
dialogs.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  event.preventDefault();
  dialogs.querySelector("dialog")?.close();
});
// What was done is not offered again, where the page behind the dialog is not drawn anew.
let pressed = null;
document.body.addEventListener("acted", () => {
  pressed?.closest("[data-once]")?.remove();
  refresh();
});
// The session has ended: the page anew is the log-in.
document.body.addEventListener("htmx:sseClose", (event) => {
  if (event.detail.type === "message") window.location.reload();
});
// Links that look like buttons are pressed like buttons.
document.body.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("a[role=button]")) return;
  event.preventDefault();
  event.target.click();
});
// On a phone the menu is closed until it is asked for.
const menu = document.querySelector("details.menu");
if (menu && window.matchMedia("(max-width: 50rem)").matches) menu.open = false;
watchAge();
