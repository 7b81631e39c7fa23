// Pages that move: each part is drawn as it comes, and the page says so once nothing comes any more.

const STALE_AFTER_MS = 5000;
const AGAIN_AFTER_MS = 5000;

const live = document.querySelector("[data-live]");
let heardAt = Date.now();

function hear() {
  heardAt = Date.now();
  document.body.classList.remove("stale");
}

// Only what differs is touched: the focus stays, and what nobody changed costs nothing.
const morphing = {
  morphStyle: "innerHTML",
  callbacks: {
    beforeNodeMorphed: (before, after) => !before.isEqualNode(after),
    afterNodeAdded: (node) => {
      if (node instanceof Element) window.htmx.process(node);
    },
    afterNodeMorphed: (node) => {
      if (node instanceof Element && node.matches("[hx-get]")) window.htmx.process(node);
    },
  },
};

// Without the parts from npm acts are links, and the focus goes with each change.
function draw(part, text) {
  if (window.Idiomorph && window.htmx) {
    const drawn = document.createElement("template");
    drawn.innerHTML = text;
    window.Idiomorph.morph(part, drawn.content.childNodes, morphing);
  } else {
    part.innerHTML = text;
  }
}

function listen() {
  const source = new EventSource(live.dataset.live);
  const names = new Set();
  // One listener a name, however often its part is drawn anew; where it stands is looked up then.
  const follow = (within) => {
    for (const { dataset } of within.querySelectorAll("[data-part]")) {
      if (names.has(dataset.part)) continue;
      names.add(dataset.part);
      source.addEventListener(dataset.part, ({ data }) => {
        hear();
        const part = live.querySelector(`[data-part="${CSS.escape(dataset.part)}"]`);
        if (!part) return;
        draw(part, data);
        follow(part);
      });
    }
  };
  follow(live);
  source.addEventListener("pulse", hear);
  // The session has ended: the page anew is the log-in.
  source.addEventListener("ended", () => window.location.reload());
  source.addEventListener("error", () => {
    // From a lost connection the browser comes back by itself, but not where it was turned away.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_AFTER_MS);
  });
}

listen();
setInterval(() => {
  document.body.classList.toggle("stale", Date.now() - heardAt > STALE_AFTER_MS);
}, 1000);
