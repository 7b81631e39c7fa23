// Say when something was as the venue's clocks show it, whatever zone this phone is set to.

import { get } from "./store.js";

/** Return the time of day; by this phone's clock, with its offset, until the venue's zone is known. */
export function clockTime(at, more = {}) {
  const form = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...more };
  const zone = get("self")?.zone;
  try {
    return new Date(at).toLocaleTimeString([], zone ? { ...form, timeZone: zone } : { ...form, timeZoneName: "shortOffset" });
  } catch {
    // A browser that lacks the zone.
    return new Date(at).toLocaleTimeString([], { ...form, timeZoneName: "shortOffset" });
  }
}
