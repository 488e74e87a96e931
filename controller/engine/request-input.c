/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers of HTTP requests are told beside the request: what time it is,
 * and a key of theirs.  Not for calling them (packet-handler.c). */

#include <config.h>

#include "controller/engine/packet-handler.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine-private.h"
#include "controller/siphash.h"
#include "timeval.h"
#include "util.h"

void
engine_fill_http(const struct engine *engine,
                 const struct engine_handler *handler,
                 struct vmn_packet_in *in)
{
    const char *port = in->port ? in->port->row.name : "";
    struct siphash_key key;
    char *purpose = xasprintf("http %s %s", handler->app->class_->name, port);

    siphash_key_derive(&key, engine_key(engine), purpose);
    free(purpose);
    BUILD_ASSERT(sizeof in->key == sizeof key.words);
    memcpy(in->key, key.words, sizeof in->key);
    in->now_s = time_wall();
}
