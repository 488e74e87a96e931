/* SPDX-License-Identifier: Apache-2.0
 *
 * Label selectors: "role=web,env!=dev,k in (a,b),k notin (a),k,!k".  The empty
 * text selects everything.  vmn_selector_matches() of vmn/types.h is here,
 * too. */

#ifndef CONTROLLER_SCHEMA_SELECTOR_H
#define CONTROLLER_SCHEMA_SELECTOR_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"
#include "vmn/types.h"

struct arena;

#define SELECTOR_LEN 4096       /* Characters of text. */
#define SELECTOR_TERMS_MAX 32
#define SELECTOR_VALUES_MAX 64  /* Of a term. */

/* Parses the 'len' characters at 'text' into '*selector', whose parts are
 * allocated in 'arena'.  Terms and values are sorted and distinct, and 'text'
 * of the result is the canonical form.  Returns 0, or EINVAL with the error
 * set, unless that is NULL. */
int selector_parse(const char *text, size_t len, struct arena *,
                   struct vmn_selector *, struct vmn_error *);

/* Returns true if 'selector' selects only objects that 'scope' selects.  May
 * return false if that only follows from several terms together. */
bool selector_is_within(const struct vmn_selector *selector,
                        const struct vmn_selector *scope);

/* Returns true if there are labels that 'selector' selects.  If not, '*key' is
 * that of the terms that contradict each other. */
bool selector_is_satisfiable(const struct vmn_selector *selector,
                             const char **key);

#endif /* controller/schema/selector.h */
