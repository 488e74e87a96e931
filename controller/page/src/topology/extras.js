// SPDX-License-Identifier: Apache-2.0
//
// What the picture can do without: drops, paths, the backends of balancers.
// What was answered is kept until it is old; what cannot be had is told, and
// the picture is shown without it.  Not for what it is made of (cards.js).

/** Whether the same question would be refused again. */
export const isFinal = (error) => error.status >= 400 && error.status < 500
  && error.status !== 429;

export function makeExtras() {
  const kept = new Map();       // By what and which: { value, isOld, error }.

  return {
    /** The answer that is kept, or that of ask(); 'instead' if there is none.
     * 'what' is how it is called, 'which' tells those of one name apart. */
    async get(what, which, ask, instead) {
      const key = `${what} ${which}`;
      const had = kept.get(key);

      if (had && (!had.isOld || (had.error && isFinal(had.error)))) {
        return had.value ?? instead;
      }
      try {
        const value = await ask();

        kept.set(key, { what, value, isOld: false });
        return value;
      } catch (error) {
        if (error.name === "AbortError") {
          throw error;
        }
        // What was answered before would be taken for what is so now.
        kept.set(key, { what, isOld: false, error });
        return instead;
      }
    },

    /** What is kept is to be asked for again, but for what was refused. */
    age() {
      kept.forEach((one) => { one.isOld = true; });
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
