/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that last; see lasting-text.h. */

#include <config.h>

#include "controller/flow/lasting-text.h"

#include "sset.h"

const char *
lasting_text(const char *text)
{
    static struct sset texts = SSET_INITIALIZER(&texts);
    struct sset_node *node = sset_find(&texts, text);

    if (!node && sset_count(&texts) < LASTING_TEXTS_MAX) {
        node = sset_add(&texts, text);
    }
    return node ? node->name : NULL;
}
