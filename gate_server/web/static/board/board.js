// What htmx does not do: dialogs that hold the focus, texts to copy, links that are buttons.

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

// A field that must be filled in only where another one says so; the server asks for it anyhow.
function needWhereChosen() {
  for (const field of document.querySelectorAll("[data-needed-by]")) {
    const choice = field.form.elements[field.dataset.neededBy];
    const look = () => (field.required = choice.value === field.dataset.neededFor);
    choice.addEventListener("change", look);
    look();
  }
}

function refresh() {
  const part = document.querySelector("[data-refresh]");
  if (part && window.htmx) window.htmx.trigger(part, "refresh");
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
// Links that look like buttons are pressed like buttons.
document.body.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("a[role=button]")) return;
  event.preventDefault();
  event.target.click();
});
// On a phone the menu is closed until it is asked for.
const menu = document.querySelector("details.menu");
if (menu && window.matchMedia("(max-width: 50rem)").matches) menu.open = false;
needWhereChosen();
