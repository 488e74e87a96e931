// SPDX-License-Identifier: Apache-2.0
//
// What the picture can do without: drops, paths, the backends of balancers.
// What was answered is kept until it is old; what cannot be had is told, and
// the picture is shown without it.  Not for what it is made of (cards.js).

/** Whether the same question would be refused again. */
export const isFinal = (error) => error.status >= 400 && error.status < 500
  && error.status !== 429;

export function makeExtras() {
  // By what and which: { what, value, error, isOld, isUsed }.
  const kept = new Map();

  return {
    /** The answer that is kept, or that of ask(); 'instead' if there is none.
     * 'what' is how it is called, 'which' tells those of one name apart. */
    async get(what, which, ask, instead) {
      const key = `${what} ${which}`;
      const had = kept.get(key);

      if (had && (!had.isOld || (had.error && isFinal(had.error)))) {
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
