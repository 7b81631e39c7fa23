// Ask the gate server, and tell its answer from everything else that comes back over a network.

export const SCAN_MS = 800;
const PAUSE_MS = 100;

/**
 * What came of a call: `body` where the server answered, `problem` where it said no, else `none`
 * says why there is no answer: nothing was decided as far as this phone can know.
 */
export class Server {
  /** @param {(slug: string, problem: object) => void} turnedAway told of every 401 and 403 */
  constructor(token, turnedAway) {
    this.token = token;
    this.turnedAway = turnedAway;
  }

  async call(method, path, body, { waitMs = 3000, tries = 1, lines = false } = {}) {
    let came = { none: "no try" };
    for (let left = tries; left > 0; left -= 1) {
      came = await this.#once(method, path, body, waitMs, lines);
      if (!came.none) break;
      if (left > 1) await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
    if (came.problem && [401, 403].includes(came.problem.status)) {
      this.turnedAway?.(slugOf(came.problem), came.problem);
    }
    return came;
  }

  async #once(method, path, body, waitMs, lines) {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), waitMs);
    try {
      const response = await fetch(`/api/v1${path}`, { ...this.#how(method, body, lines), signal: ending.signal });
      return await read(response);
    } catch (error) {
      return { none: error.name === "AbortError" ? `no answer in ${waitMs} ms` : "cannot be reached" };
    } finally {
      clearTimeout(timer);
    }
  }

  #how(method, body, lines) {
    const headers = { Accept: "application/json" };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers["Content-Type"] = lines ? "application/x-ndjson" : "application/json";
    const content = body === undefined || lines ? body : JSON.stringify(body);
    return { method, headers, body: content, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };
  }

  /** Open the event stream; the caller reads and ends it. */
  listen(signal) {
    const headers = { Authorization: `Bearer ${this.token}`, Accept: "text/event-stream" };
    return fetch("/api/v1/events", { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  }
}

async function read(response) {
  const kind = (response.headers.get("Content-Type") ?? "").split(";")[0].trim();
  if (response.ok && kind === "application/json") return { body: await response.json() };
  if (response.ok && kind === "application/x-ndjson") {
    const text = await response.text();
    return { body: text.split("\n").filter(Boolean).map((line) => JSON.parse(line)) };
  }
  // A log-in page of the network, a proxy's own error: no word of the server's.
  if (kind !== "application/problem+json") return { none: `answered ${response.status}` };
  const problem = await response.json();
  const undecided = response.status >= 500 || response.status === 429;
  return undecided ? { none: `answered ${response.status} ${problem.title}`, slug: slugOf(problem) } : { problem };
}

export const slugOf = (problem) => String(problem?.type ?? "").split("/").pop();

/** Return a nonce that sorts by time, UUID version 7. */
export function newNonce(at = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let place = 0; place < 6; place += 1) bytes[place] = Math.floor(at / 2 ** (8 * (5 - place))) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
