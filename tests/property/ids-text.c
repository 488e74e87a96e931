/* SPDX-License-Identifier: Apache-2.0
 *
 * See ids-text.h. */

#include <config.h>

#include "tests/property/ids-text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "svec.h"
#include "util.h"

char *
dump_ids(struct model *model)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    size_t n;
    struct id_write *ids = id_pools_get_all(model_id_pools(model), &n);

    for (size_t i = 0; i < n; i++) {
        svec_add_nocopy(&lines, xasprintf("%s %s %"PRIu32, ids[i].pool,
                                          ids[i].key, ids[i].value));
    }
    svec_sort(&lines);

    char *dump = svec_join(&lines, "\n", "\n");
    svec_destroy(&lines);
    free(ids);
    return dump;
}
