/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses and matches label selectors; see selector.h. */

#include <config.h>

#include "controller/schema/selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct parser {
    const char *start;
    const char *p;
    const char *end;
    struct arena *arena;
    struct vmn_error *error;    /* The caller's; may be NULL. */
    bool failed;                /* Only the first is reported. */
};

static void
skip_spaces(struct parser *parser)
{
    while (parser->p < parser->end && *parser->p == ' ') {
        parser->p++;
    }
}

/* Consumes the character 'c' if it comes next.  Returns true if it did. */
static bool
take(struct parser *parser, char c)
{
    skip_spaces(parser);
    if (parser->p < parser->end && *parser->p == c) {
        parser->p++;
        return true;
    }
    return false;
}

static void
fail(struct parser *parser, const char *what)
{
    if (!parser->failed) {
        parser->failed = true;
        vmn_error_invalid(parser->error,
                          "must have %s at character %"PRIuSIZE, what,
                          parser->p - parser->start + 1);
    }
}

/* Consumes a possibly empty run of the characters of keys and values, and
 * returns a copy of it. */
static char *
take_word(struct parser *parser)
{
    skip_spaces(parser);

    const char *start = parser->p;
    while (parser->p < parser->end
           && *parser->p && !strchr(" ,=!()", *parser->p)) {
        parser->p++;
    }
    return arena_memdup0(parser->arena, start, parser->p - start);
}

static char *
take_key(struct parser *parser)
{
    char *key = take_word(parser);

    if (value_check_label_key(key, NULL)) {
        parser->p -= strlen(key);
        fail(parser, "a label key");
    }
    return key;
}

/* Consumes a value.  It may be empty only if 'empty_ok', as in "k=". */
static char *
take_value(struct parser *parser, bool empty_ok)
{
    char *value = take_word(parser);

    if (value_check_label_value(value, NULL) || (!*value && !empty_ok)) {
        parser->p -= strlen(value);
        fail(parser, "a label value");
    }
    return value;
}

static int
compare_strings(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

/* Sorts 'values' and removes duplicates.  Returns how many are left. */
static size_t
sort_values(const char **values, size_t n)
{
    size_t n_kept = 0;

    qsort(values, n, sizeof *values, compare_strings);
    for (size_t i = 0; i < n; i++) {
        if (!n_kept || strcmp(values[n_kept - 1], values[i])) {
            values[n_kept++] = values[i];
        }
    }
    return n_kept;
}

/* Parses "(a,b)". */
static void
parse_values(struct parser *parser, struct vmn_selector_term *term)
{
    const char *values[SELECTOR_VALUES_MAX];
    size_t n = 0;

    if (!take(parser, '(')) {
        fail(parser, "'('");
        return;
    }
    do {
        if (n >= SELECTOR_VALUES_MAX) {
            fail(parser, "at most 64 values");
            return;
        }
        values[n++] = take_value(parser, false);
    } while (!parser->failed && take(parser, ','));
    if (!take(parser, ')')) {
        fail(parser, "',' or ')'");
        return;
    }

    n = sort_values(values, n);
    const char **copy = arena_alloc(parser->arena, n * sizeof *copy);
    memcpy(copy, values, n * sizeof *copy);
    term->values = copy;
    term->n_values = n;
}

static void
parse_one_value(struct parser *parser, struct vmn_selector_term *term)
{
    const char **values = arena_alloc(parser->arena, sizeof *values);

    values[0] = take_value(parser, true);
    term->values = values;
    term->n_values = 1;
}

static void
parse_term(struct parser *parser, struct vmn_selector_term *term)
{
    if (take(parser, '!')) {
        term->op = VMN_SEL_NOT_EXISTS;
        term->key = take_key(parser);
        return;
    }

    term->key = take_key(parser);
    if (parser->failed) {
        return;
    }
    if (take(parser, '=')) {
        take(parser, '=');
        term->op = VMN_SEL_IN;
        parse_one_value(parser, term);
    } else if (take(parser, '!')) {
        if (!take(parser, '=')) {
            fail(parser, "'=' after '!'");
        }
        term->op = VMN_SEL_NOT_IN;
        parse_one_value(parser, term);
    } else {
        const char *word = take_word(parser);

        if (!*word) {
            term->op = VMN_SEL_EXISTS;
        } else if (!strcmp(word, "in") || !strcmp(word, "notin")) {
            term->op = *word == 'i' ? VMN_SEL_IN : VMN_SEL_NOT_IN;
            parse_values(parser, term);
        } else {
            parser->p -= strlen(word);
            fail(parser, "'=', '!=', 'in', 'notin' or ','");
        }
    }
}

static int
compare_terms(const void *a_, const void *b_)
{
    const struct vmn_selector_term *a = a_;
    const struct vmn_selector_term *b = b_;
    int cmp = strcmp(a->key, b->key);

    if (!cmp) {
        cmp = a->op < b->op ? -1 : a->op > b->op;
    }
    if (!cmp) {
        cmp = a->n_values < b->n_values ? -1 : a->n_values > b->n_values;
    }
    for (size_t i = 0; !cmp && i < a->n_values; i++) {
        cmp = strcmp(a->values[i], b->values[i]);
    }
    return cmp;
}

static void
format_term(const struct vmn_selector_term *term, struct ds *ds)
{
    bool in = term->op == VMN_SEL_IN;

    if (term->op == VMN_SEL_NOT_EXISTS) {
        ds_put_char(ds, '!');
    }
    ds_put_cstr(ds, term->key);
    if (term->n_values == 1) {
        ds_put_format(ds, "%s%s", in ? "=" : "!=", term->values[0]);
    } else if (term->n_values) {
        ds_put_cstr(ds, in ? " in (" : " notin (");
        for (size_t i = 0; i < term->n_values; i++) {
            ds_put_format(ds, "%s%s", i ? "," : "", term->values[i]);
        }
        ds_put_char(ds, ')');
    }
}

/* Sorts the terms, removes duplicates, and writes the canonical text. */
static void
finish(struct parser *parser, struct vmn_selector_term *terms, size_t n,
       struct vmn_selector *selector)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n_kept = 0;

    if (n) {
        qsort(terms, n, sizeof *terms, compare_terms);
    }
    for (size_t i = 0; i < n; i++) {
        if (!n_kept || compare_terms(&terms[n_kept - 1], &terms[i])) {
            terms[n_kept++] = terms[i];
        }
    }
    for (size_t i = 0; i < n_kept; i++) {
        if (i) {
            ds_put_char(&ds, ',');
        }
        format_term(&terms[i], &ds);
    }

    /* The canonical text must be accepted when it is parsed again. */
    if (ds.length > SELECTOR_LEN) {
        fail(parser, "less text");
    }

    struct vmn_selector_term *copy = arena_alloc(parser->arena,
                                                 n_kept * sizeof *copy);
    if (n_kept) {
        memcpy(copy, terms, n_kept * sizeof *copy);
    }
    selector->n_terms = n_kept;
    selector->terms = copy;
    selector->text = arena_strdup(parser->arena, ds_cstr(&ds));
    ds_destroy(&ds);
}

int
selector_parse(const char *text, size_t len, struct arena *arena,
               struct vmn_selector *selector, struct vmn_error *error)
{
    struct parser parser = { text, text, text + len, arena, error, false };
    struct vmn_selector_term terms[SELECTOR_TERMS_MAX];
    size_t n = 0;

    if (len > SELECTOR_LEN) {
        return vmn_error_invalid(error, "must have at most %d characters",
                                 SELECTOR_LEN);
    }
    skip_spaces(&parser);
    if (parser.p < parser.end) {
        do {
            if (n >= SELECTOR_TERMS_MAX) {
                fail(&parser, "at most 32 conditions");
                break;
            }
            memset(&terms[n], 0, sizeof terms[n]);
            parse_term(&parser, &terms[n++]);
        } while (!parser.failed && take(&parser, ','));
        if (parser.p < parser.end) {
            fail(&parser, "',' or the end");
        }
    }
    if (!parser.failed) {
        finish(&parser, terms, n, selector);
    }
    return parser.failed ? EINVAL : 0;
}

const char *
vmn_labels_get(const struct vmn_labels *labels, const char *key)
{
    size_t low = 0, high = labels->n;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int cmp = strcmp(key, labels->labels[mid].key);

        if (!cmp) {
            return labels->labels[mid].value;
        } else if (cmp < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

static bool
term_matches(const struct vmn_selector_term *term,
             const struct vmn_labels *labels)
{
    const char *value = vmn_labels_get(labels, term->key);

    switch (term->op) {
    case VMN_SEL_EXISTS:
        return value != NULL;
    case VMN_SEL_NOT_EXISTS:
        return value == NULL;
    case VMN_SEL_IN:
    case VMN_SEL_NOT_IN:
        break;
    }

    bool listed = value && bsearch(&value, term->values, term->n_values,
                                   sizeof *term->values, compare_strings);
    return listed == (term->op == VMN_SEL_IN);
}

bool
vmn_selector_matches(const struct vmn_selector *selector,
                     const struct vmn_labels *labels)
{
    if (!selector->text) {
        return false;
    }
    for (size_t i = 0; i < selector->n_terms; i++) {
        if (!term_matches(&selector->terms[i], labels)) {
            return false;
        }
    }
    return true;
}

/* One within another.  -------------------------------------------------- */

static bool
has_value(const struct vmn_selector_term *term, const char *value)
{
    for (size_t i = 0; i < term->n_values; i++) {
        if (!strcmp(term->values[i], value)) {
            return true;
        }
    }
    return false;
}

/* Returns true if all (or, with 'none', none) of the values of 'a' are among
 * those of 'b'. */
static bool
values_in(const struct vmn_selector_term *a,
          const struct vmn_selector_term *b, bool none)
{
    for (size_t i = 0; i < a->n_values; i++) {
        if (has_value(b, a->values[i]) == none) {
            return false;
        }
    }
    return true;
}

/* Returns true if whatever matches 'have' matches 'want', which has the same
 * key. */
static bool
term_implies(const struct vmn_selector_term *have,
             const struct vmn_selector_term *want)
{
    switch (want->op) {
    case VMN_SEL_IN:
        return have->op == VMN_SEL_IN && values_in(have, want, false);
    case VMN_SEL_NOT_IN:
        return (have->op == VMN_SEL_NOT_EXISTS
                || (have->op == VMN_SEL_IN && values_in(have, want, true))
                || (have->op == VMN_SEL_NOT_IN
                    && values_in(want, have, false)));
    case VMN_SEL_EXISTS:
        return have->op == VMN_SEL_IN || have->op == VMN_SEL_EXISTS;
    case VMN_SEL_NOT_EXISTS:
    default:
        return have->op == VMN_SEL_NOT_EXISTS;
    }
}

bool
selector_is_within(const struct vmn_selector *selector,
                   const struct vmn_selector *scope)
{
    for (size_t i = 0; i < scope->n_terms; i++) {
        const struct vmn_selector_term *want = &scope->terms[i];
        bool found = false;

        for (size_t j = 0; j < selector->n_terms && !found; j++) {
            const struct vmn_selector_term *have = &selector->terms[j];

            found = !strcmp(have->key, want->key)
                    && term_implies(have, want);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* Returns true if a label 'key' with 'value' (NULL: one that no term names),
 * or if not 'there' its absence, matches all terms on that key. */
static bool
meets_terms(const struct vmn_selector *selector, const char *key, bool there,
            const char *value)
{
    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term = &selector->terms[i];
        bool is_named = there && value && has_value(term, value);

        if (!strcmp(term->key, key)
            && (term->op == VMN_SEL_IN ? !is_named
                : term->op == VMN_SEL_NOT_IN ? is_named
                : term->op == VMN_SEL_EXISTS ? !there : there)) {
            return false;
        }
    }
    return true;
}

/* Returns true if some label with the key of 'term', or its absence, matches
 * all terms on that key.  It is enough to try absence, each value in 'term',
 * and any other value. */
static bool
key_is_satisfiable(const struct vmn_selector *selector,
                   const struct vmn_selector_term *term)
{
    if (meets_terms(selector, term->key, false, NULL)
        || meets_terms(selector, term->key, true, NULL)) {
        return true;
    }
    for (size_t i = 0; term->op == VMN_SEL_IN && i < term->n_values; i++) {
        if (meets_terms(selector, term->key, true, term->values[i])) {
            return true;
        }
    }
    return false;
}

bool
selector_is_satisfiable(const struct vmn_selector *selector,
                        const char **key)
{
    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term = &selector->terms[i];
        bool decides = term->op == VMN_SEL_IN;

        /* If another term on the key requires values, that one decides. */
        for (size_t j = 0; !decides && j < selector->n_terms; j++) {
            decides = selector->terms[j].op == VMN_SEL_IN
                      && !strcmp(selector->terms[j].key, term->key);
            if (decides) {
                term = &selector->terms[j];
            }
        }
        if (!key_is_satisfiable(selector, term)) {
            *key = term->key;
            return false;
        }
    }
    return true;
}
