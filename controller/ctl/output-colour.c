/* SPDX-License-Identifier: Apache-2.0
 *
 * Colours of states; see output-colour.h. */

#include <config.h>

#include "controller/ctl/output-colour.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "util.h"

#define GOOD "\033[32m"
#define BAD "\033[31m"
#define BETWEEN "\033[33m"

bool
ctl_colour_on(FILE *file)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    int fd = fileno(file);

    return (fd >= 0 && isatty(fd) && !(no && *no)
            && term && *term && strcmp(term, "dumb"));
}

/* An object may be named "up", too: words are coloured in these columns
 * only. */
static bool
is_state(const char *heading)
{
    static const char *const headings[] = {
        "STATE", "CHANGE", "VERDICT", "ACTION", "SERVING", "KIND", "READY",
        "INSTALLED", "OUTCOME",
    };

    for (size_t i = 0; i < ARRAY_SIZE(headings); i++) {
        if (!strcasecmp(heading, headings[i])) {
            return true;
        }
    }
    return false;
}

/* Returns the colour of a number of flows. */
static const char *
colour_of_count(const char *heading, const char *text)
{
    static const struct {
        const char *heading, *colour;
    } counts[] = {
        { "ADDED", GOOD }, { "CHANGED", BETWEEN }, { "REMOVED", BAD },
    };

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        if (!strcmp(heading, counts[i].heading)) {
            return *text >= '1' && *text <= '9' ? counts[i].colour : NULL;
        }
    }
    return NULL;
}

const char *
ctl_colour_of(const char *heading, const char *text)
{
    static const struct {
        const char *word, *colour;
    } words[] = {
        { "synced", GOOD },
        { "up", GOOD },
        { "confirmed", GOOD },
        { "yes", GOOD },
        { "created", GOOD },
        { "create", GOOD },
        { "allow", GOOD },
        { "delivered", GOOD },
        { "sent outside", GOOD },
        { "external", GOOD },
        { "offline", BAD },
        { "down", BAD },
        { "failed", BAD },
        { "rejected", BAD },
        { "diverged", BAD },
        { "unheard", BAD },
        { "lost", BAD },
        { "no", BAD },
        { "deleted", BAD },
        { "delete", BAD },
        { "deny", BAD },
        { "reject", BAD },
        { "dropped", BAD },
        { "missing", BAD },
        { "quarantined", BAD },
        { "pending", BETWEEN },
        { "connecting", BETWEEN },
        { "reconciling", BETWEEN },
        { "unbound", BETWEEN },
        { "disabled", BETWEEN },
        { "updated", BETWEEN },
        { "update", BETWEEN },
        { "altered", BETWEEN },
        { "mixed", BETWEEN },
        { "unknown", BETWEEN },
        { "kept", BETWEEN },
    };
    /* Of several states, the last is the most important: "up,quarantined". */
    const char *comma = strrchr(text, ',');
    const char *word = comma ? comma + 1 : text;

    if (!is_state(heading)) {
        return colour_of_count(heading, text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(word, words[i].word)) {
            return words[i].colour;
        }
    }
    return NULL;
}
