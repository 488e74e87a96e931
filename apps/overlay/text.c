/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of the overlay app's relations: parts between '|', which names cannot
 * contain, with MACs and prefixes as text. */

#include "overlay.h"

#include <string.h>

bool
key_split(struct vmn_view *view, const char *key, const char *parts[],
          size_t n)
{
    char *copy = vmn_printf(view, "%s", key);

    for (size_t i = 0; i < n; i++) {
        char *bar = strchr(copy, '|');

        parts[i] = copy;
        if (!bar) {
            return i == n - 1;
        }
        *bar = '\0';
        copy = bar + 1;
    }
    return false;
}
