// Keep the page itself for when there is no network: it then opens, and says that it is offline.

const CACHE = "gatehouse-scan";
const WAIT_MS = 2500;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const { shell } = await (await fetch("/scan/setup.json", { cache: "no-store" })).json();
    await (await caches.open(CACHE)).addAll(shell);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  const ours = pathname === "/scan" || pathname.startsWith("/scan/") || pathname.startsWith("/static/");
  // Calls go past: whether the server answers a scan is for the page to see.
  if (method !== "GET" || origin !== location.origin || !ours || pathname === "/scan/worker.js") return;
  event.respondWith(newestOrKept(event.request, pathname));
});

/** The server's newest where it answers in time, else what was kept. */
async function newestOrKept(request, pathname) {
  const cache = await caches.open(CACHE);
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), WAIT_MS);
  try {
    const response = await fetch(request.url, { signal: ending.signal, cache: "no-cache", redirect: "error" });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    await cache.put(pathname, response.clone());
    return response;
  } catch {
    return (await cache.match(pathname)) ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}
