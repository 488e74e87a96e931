/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and values of relations, taken apart. */

#include "loadbalancer.h"

#include <string.h>

size_t
split(struct vmn_view *view, const char *text, char *parts[], size_t n)
{
    char *rest = vmn_printf(view, "%s", text);
    size_t i = 0;

    while (rest && i < n) {
        char *bar = strchr(rest, '|');

        if (bar && i < n - 1) {
            *bar++ = '\0';
        } else {
            bar = NULL;
        }
        parts[i++] = rest;
        rest = bar;
    }
    return i;
}
