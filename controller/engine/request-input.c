/* SPDX-License-Identifier: Apache-2.0
 *
 * The key that a handler of HTTP requests is given beside the request.  Not
 * for calling handlers (packet-handler.c). */

#include <config.h>

#include "controller/engine/packet-handler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine-private.h"
#include "controller/model/model.h"
#include "controller/siphash.h"
#include "util.h"

/* Returns when the port was created, in milliseconds since 1970: another time
 * for one that was made anew under the same name, the same after a restart and
 * at all members of a cluster.  0: there is no port. */
static int64_t
created_ms(const struct engine *engine, const struct vmn_port *port)
{
    struct model_meta meta = { .created_ms = 0 };

    if (port) {
        model_get_durable(engine->model, VMN_TABLE_PORT, port->row.name,
                          &meta);
    }
    return meta.created_ms;
}

void
engine_fill_http(const struct engine *engine,
                 const struct engine_handler *handler,
                 struct vmn_packet_in *in)
{
    struct siphash_key key;
    char *purpose = xasprintf("http %s %s %"PRId64,
                              handler->app->class_->name,
                              in->port ? in->port->row.name : "",
                              created_ms(engine, in->port));

    siphash_key_derive(&key, engine_key(engine), purpose);
    free(purpose);
    BUILD_ASSERT(sizeof in->key == sizeof key.words);
    memcpy(in->key, key.words, sizeof in->key);
}
