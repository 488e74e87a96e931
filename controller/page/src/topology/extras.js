// SPDX-License-Identifier: Apache-2.0
//
// What the picture can do without: drops, paths, the backends of balancers.
// What was answered is kept until it is old; what cannot be had is told, and
// the picture is shown without it; what takes long comes later (behind()).
// Not for what it is made of (cards.js).

/** Whether the same question would be refused again. */
export const isFinal = (error) => error.status >= 400 && error.status < 500
  && error.status !== 429;

/** @param signal of the view, or nothing */
export function makeExtras(signal) {
  // By what and which: { what, value, error, isOld, isUsed }.
  const kept = new Map();
  let wanted = null;            // By behind(), last: { what, names, ask }.
  let asking = null;            // The promise that behind() has asked.
  const isDue = (had) => !had || (had.isOld
    && !(had.error && isFinal(had.error)));

  /** Asks for what is due of 'wanted', one after the other: that leaves the
   * browser's connections to others. */
  async function askBehind(get) {
    let round;

    do {
      round = wanted;
      for (const name of round.names) {
        if (round !== wanted && !wanted.names.includes(name)) {
          continue;
        }
        if (isDue(kept.get(`${round.what} ${name}`))) {
          await get(round.what, name, () => round.ask(name), null);
        }
      }
    } while (round !== wanted && wanted.names.some((name) =>
      !kept.has(`${wanted.what} ${name}`)));
  }

  return {
    signal,

    /** The answer that is kept, or that of ask(); 'instead' if there is none.
     * 'what' is how it is called, 'which' tells those of one name apart. */
    async get(what, which, ask, instead) {
      const key = `${what} ${which}`;
      const had = kept.get(key);

      if (!isDue(had)) {
        had.isUsed = true;
        return had.value ?? instead;
      }
      try {
        const value = await ask();

        kept.set(key, { what, value, isOld: false, isUsed: true });
        return value;
      } catch (error) {
        if (error.name === "AbortError") {
          throw error;
        }
        // What was answered before would be taken for what is so now.
        kept.set(key, { what, error, isOld: false, isUsed: true });
        return instead;
      }
    },

    /** What is kept of 'names', and what will be when what is due was asked
     * for, which nobody waits for: { now, later }, maps, the second one a
     * promise or null.  The last 'ask' is used, and no more than one call at
     * a time is under way. */
    behind(what, names, ask) {
      const found = () => new Map(names.map((name) => [name,
        kept.get(`${what} ${name}`)?.value ?? null])
        .filter(([, value]) => value !== null));

      wanted = { what, names, ask };
      for (const name of names) {
        const had = kept.get(`${what} ${name}`);

        if (had) {
          had.isUsed = true;
        }
      }
      if (!asking && names.some((name) =>
        isDue(kept.get(`${what} ${name}`)))) {
        // It is rejected where the view has ended.
        asking = askBehind(this.get).catch(() => {}).finally(() => {
          asking = null;
        });
      }
      return { now: found(), later: asking && asking.then(found) };
    },

    /** What is kept is to be asked for again, but for what was refused; what
     * was not wanted since the last time is kept no more. */
    age() {
      for (const [key, one] of kept) {
        if (one.isUsed) {
          one.isOld = true;
          one.isUsed = false;
        } else {
          kept.delete(key);
        }
      }
    },

    /** Another vmnd may be there. */
    forget: () => kept.clear(),

    /** What is not there, and why: [[what, text]]. */
    get missing() {
      return [...new Map([...kept.values()].filter((one) => one.error)
        .map(({ what, error }) => [what, error.message]))];
    },
  };
}
