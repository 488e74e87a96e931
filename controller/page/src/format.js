// SPDX-License-Identifier: Apache-2.0
//
// Formatting of numbers, times and changes.

const whole = new Intl.NumberFormat("en");

export function number(n) {
  return n === null || n === undefined ? "–" : whole.format(n);
}

/** "1.2 k", "3.4 M". */
export function short(n) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (n >= size) {
      const scaled = n / (unit === "k" ? 1e3 : size);

      const digits = scaled >= 100 ? 0 : 1;

      return `${scaled.toFixed(digits)} ${unit}`;
    }
  }
  return whole.format(n);
}

/** So many bytes: "1.2 MB". */
export const bytes = (n) => n < 1e4 ? `${whole.format(n)} B` : `${short(n)}B`;

/** Bits per second; "–" where that is not known. */
export function rate(bytes) {
  if (bytes === null || bytes === undefined) {
    return "–";
  }
  const bits = bytes * 8;

  return bits < 1 ? "idle" : bits < 1e4 ? `${whole.format(Math.round(bits))} `
    + "bit/s" : `${short(Math.round(bits))}bit/s`;
}

export function plural(n, one, many) {
  return `${number(n)} ${n === 1 ? one : many ?? `${one}s`}`;
}

/** How far a revision is that all 'n' hosts concerned have. */
export function installedOn(n) {
  return n ? `installed on all ${plural(n, "host")} concerned`
    : "concerns no host's flows";
}

/** Date and time, in the time zone of the browser. */
export function when(time) {
  if (!time) {
    return "–";
  }
  const date = new Date(time);

  return `${date.toLocaleDateString("en-CA")} `
    + date.toLocaleTimeString("en-GB");
}

/** The time so many seconds ago, as the API takes it. */
export const since = (s, now = Date.now()) =>
  `${new Date(now - 1000 * s).toISOString().slice(0, 19)}Z`;

/** The width of a column of a table for what when() makes. */
export const WHEN_WIDTH = "158px";

/** "3 min ago". */
export function ago(time, now = Date.now()) {
  if (!time) {
    return "never";
  }
  const s = Math.max(0, Math.round((now - new Date(time)) / 1000));

  return s < 2 ? "now" : s < 60 ? `${s} s ago`
    : s < 3600 ? `${Math.floor(s / 60)} min ago`
      : s < 86400 ? `${Math.floor(s / 3600)} h ago`
        : `${Math.floor(s / 86400)} d ago`;
}

export function duration(s) {
  return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min`
    : s < 86400 ? `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`
      : `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

/** Microseconds, formatted as milliseconds. */
export function ms(us) {
  return us === null || us === undefined ? "–"
    : `${(us / 1000).toFixed(us < 10000 ? 2 : 0)} ms`;
}

/** Changes as text: "create policies/web-in and 2 more". */
export function changes(list, most = 2, more = 0) {
  const words = list.slice(0, most).map((c) => `${c.op} ${c.type}/${c.name}`);
  const rest = list.length - words.length + more;

  return words.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** A service of a rule: "tcp/80,8000-8010". */
export function service(entry) {
  if (entry.service) {
    return entry.service;
  }
  const more = entry.ports?.join(",")
    ?? (entry.icmp_type === undefined ? "" : `${entry.icmp_type}`
      + (entry.icmp_code === undefined ? "" : `.${entry.icmp_code}`));

  return entry.protocol + (more ? `/${more}` : "");
}

export function peer(entry) {
  return entry.group ?? entry.fqdn ?? entry.cidr
    + (entry.except?.length ? ` but ${entry.except.join(", ")}` : "");
}

/** When a rule is valid, in one of its windows: "mon, tue 08:00-18:00 UTC". */
export function timeWindow({ days, start, end, not_before: from,
  not_after: to, timezone = "UTC" }) {
  return [days?.length < 7 ? `${days.join(", ")} ` : "",
    start === "00:00" && end === "24:00" ? "" : `${start}-${end} ${timezone} `,
    from ? `from ${from} ` : "", to ? `until ${to}` : ""].join("").trim()
    || "always";
}

/** What the client of a sampled packet had connected to, where NAT had changed
 * that: " (sent to 10.0.0.100:80)". */
export function sentTo({ connection_dst: to }) {
  if (!to) {
    return "";
  }
  const ip = to.ip.includes(":") ? `[${to.ip}]` : to.ip;

  return ` (sent to ${ip}:${to.l4_port})`;
}
