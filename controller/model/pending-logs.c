/* SPDX-License-Identifier: Apache-2.0
 *
 * Adds to the log's entries what is known of a revision only once it has been
 * compiled, such as which host is a router's gateway by it.  Not for what the
 * request itself changes (transaction.c, port-effects.c). */

#include <config.h>

#include "controller/model/model-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-log.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
model_log_add(struct model *model, size_t i,
              const struct schema_changed *change)
{
    struct model_log *log = &model->logs[i];
    const char *changes = log->summary + 1; /* Behind the bracket. */
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_char(&text, '[');
    if (log->stored && strcmp(changes, "]")) {
        /* Behind the first change, which says what the revision is about. */
        size_t n = strcspn(changes, "}") + 1;

        ds_put_buffer(&text, changes, n);
        ds_put_char(&text, ',');
        changes += n + (changes[n] == ',');
    }
    schema_struct_print(&schema_changed_shown, change, &text);
    ds_put_format(&text, "%s%s", *changes == ']' ? "" : ",", changes);
    free(CONST_CAST(char *, log->summary));
    log->summary = ds_steal_cstr(&text);
    log->stored = true;
}
