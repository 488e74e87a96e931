/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean": the existing objects that a name which nothing has is
 * probably a slip of, by letters or by words.  Several that are near are
 * named: a client that quarantines or deletes has to choose.  Not for names of
 * fields and types, which are few (schema_suggest()). */

#include <config.h>

#include "controller/model/model-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Names that are compared on each side of where the name would stand: enough
 * for all of a small table, and little work in a large one. */
#define NEAR 200

/* Names that are suggested, */
#define SUGGESTED_MAX 3
/* and errors of a request that have suggestions: the first ones. */
#define ERRORS_MAX 4

/* Names of more words are compared by letters alone: each word of one would be
 * compared with each of hundreds of others. */
#define WORDS_MAX 8

/* Candidates, in descending order of the letters that they share with the
 * start of the name. */
struct candidates {
    size_t n;
    struct {
        const char *name;
        size_t n_alike;         /* Letters at the start. */
    } all[2 * NEAR + 1];
};

static const char *
candidate(const void *candidates_, size_t i)
{
    const struct candidates *candidates = candidates_;

    return i < candidates->n ? candidates->all[i].name : NULL;
}

static void
add_candidate(struct candidates *candidates, const char *name,
              const char *of)
{
    size_t n = 0, i = candidates->n++;

    while (name[n] && name[n] == of[n]) {
        n++;
    }
    for (; i && candidates->all[i - 1].n_alike < n; i--) {
        candidates->all[i] = candidates->all[i - 1];
    }
    candidates->all[i].name = name;
    candidates->all[i].n_alike = n;
}

static void
remove_candidate(struct candidates *candidates, const char *name)
{
    size_t i = 0;

    while (candidates->all[i].name != name) {
        i++;
    }
    candidates->n--;
    memmove(&candidates->all[i], &candidates->all[i + 1],
            (candidates->n - i) * sizeof candidates->all[0]);
}

#define BETWEEN_WORDS "-._"

static bool
has_few_words(const char *name)
{
    size_t n = 1;

    for (; *name; name++) {
        n += strchr(BETWEEN_WORDS, *name) != NULL;
    }
    return n <= WORDS_MAX;
}

/* Returns true if 'in' has the word of 'n' letters. */
static bool
has_word(const char *in, const char *word, size_t n)
{
    while (*in && (strcspn(in, BETWEEN_WORDS) != n || strncmp(in, word, n))) {
        in += strcspn(in, BETWEEN_WORDS);
        in += *in != '\0';
    }
    return *in;
}

/* Returns true if all words of 'a', or 'any' of them but numbers, are among
 * those of 'b'. */
static bool
has_words_of(const char *b, const char *a, bool any)
{
    while (*a) {
        size_t n = strcspn(a, BETWEEN_WORDS);
        bool counts = n && (!any || strspn(a, "0123456789") < n);

        if (counts && has_word(b, a, n) == any) {
            return any;
        }
        a += n + (a[n] != '\0');
    }
    return !any;
}

/* Returns the best of 'candidates': by letters, else one that has all words of
 * the name, or whose words the name has; NULL: none is near. */
static const char *
find_best(const char *name, const struct candidates *candidates)
{
    const char *best = schema_suggest(name, candidate, candidates);
    bool by_words = has_few_words(name);

    for (size_t i = 0; by_words && !best && i < candidates->n; i++) {
        const char *other = candidates->all[i].name;

        if (has_few_words(other)
            && (has_words_of(other, name, false)
                || has_words_of(name, other, false))) {
            best = other;
        }
    }
    return best;
}

/* Returns the index of the first of 'names' that is not less than 'name'. */
static size_t
lower_bound(const struct vmn_names *names, const char *name)
{
    size_t low = 0, high = names->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names->names[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Returns true if the names differ in digits alone: web-7 is another object
 * than web-1, not a slip of it. */
static bool
is_another_number(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "0123456789");
        b += strspn(b, "0123456789");
        if (*a != *b) {
            return false;
        }
        if (!*a) {
            return true;
        }
        a++;
        b++;
    }
}

/* Takes the next name to suggest out of 'candidates': the best one, or one
 * that differs from 'first' (NULL: this is the first) in digits alone, or with
 * 'any_word' one that shares a word with 'name'.  Returns NULL if none is
 * near. */
static const char *
take_guess(const char *name, const char *first, bool any_word,
           struct candidates *candidates)
{
    const char *guess = find_best(name, candidates);

    any_word &= has_few_words(name);
    for (size_t i = 0; !guess && first && i < candidates->n; i++) {
        const char *other = candidates->all[i].name;

        if (is_another_number(other, first)
            || (any_word && has_few_words(other)
                && has_words_of(other, name, true))) {
            guess = other;
        }
    }
    if (guess) {
        remove_candidate(candidates, guess);
    }
    return guess;
}

static char *
suggest(const struct model *model, enum model_state state,
        const struct model_rights *rights, enum vmn_table table,
        const char *name, bool harms)
{
    const struct name_set *all = &model->tables[table].all;
    struct vmn_names names = { all->n, (const char *const *) all->names };
    size_t at = lower_bound(&names, name);
    struct candidates candidates = { .n = 0 };
    const char *guesses[SUGGESTED_MAX];
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    for (size_t i = at > NEAR ? at - NEAR : 0;
         i < names.n && i < at + NEAR; i++) {
        const struct vmn_row *row
            = (state == MODEL_CURRENT
               ? model_get(model, table, names.names[i])
               : model_get_durable(model, table, names.names[i], NULL));

        if (row && model_sees(rights, row)
            && !is_another_number(names.names[i], name)) {
            add_candidate(&candidates, names.names[i], name);
        }
    }
    while (n < SUGGESTED_MAX
           && (guesses[n] = take_guess(name, n ? guesses[0] : NULL, harms,
                                       &candidates))) {
        n++;
    }
    n -= harms && n == 1;
    for (size_t i = 0; i < n; i++) {
        ds_put_format(&ds, "%s\"%s\"", !i ? "; did you mean "
                      : i + 1 < n ? ", " : " or ", guesses[i]);
    }
    ds_put_cstr(&ds, n ? "?" : "");
    return ds_steal_cstr(&ds);
}

char *
model_suggestion(const struct model *model, enum model_state state,
                 const struct model_rights *rights, enum vmn_table table,
                 const char *name)
{
    return suggest(model, state, rights, table, name, false);
}

char *
model_suggestion_for(const struct vmn_errors *errors,
                     const struct model *model,
                     const struct model_rights *rights, enum vmn_table table,
                     const char *name, bool harms)
{
    return (errors->n < ERRORS_MAX
            ? suggest(model, MODEL_CURRENT, rights, table, name, harms)
            : xstrdup(""));
}
