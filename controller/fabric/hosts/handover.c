/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member that stood by has open, on its way to the fabric; see
 * fabric-handover.h. */

#include <config.h>

#include "controller/fabric/fabric-handover.h"

#include <stdlib.h>
#include <string.h>

#include "proto/openflow/ofconn.h"
#include "proto/ovsdb/ovsdb.h"
#include "proto/tls/tls.h"
#include "util.h"

struct fabric_handover *
handover_create(void)
{
    struct fabric_handover *h = xzalloc(sizeof *h);

    shash_init(&h->sessions);
    return h;
}

void
handover_destroy(struct fabric_handover *h)
{
    struct shash_node *node;

    if (!h) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, &h->sessions) {
        handover_session_destroy(node->data);
        shash_delete(&h->sessions, node);
    }
    shash_destroy(&h->sessions);
    ovsdb_listener_close(h->listener);
    ovsdb_schemas_destroy(h->schemas);
    ofserver_destroy(h->server);
    tls_destroy(h->tls);
    free(h);
}

void
handover_session_destroy(struct handover_session *session)
{
    if (session) {
        ovsdb_session_destroy(session->session);
        free(session->remote);
        free(session);
    }
}

struct ovsdb_session *
handover_take_session(struct fabric_handover *h, const char *name,
                      const char *remote)
{
    struct handover_session *found
        = shash_find_and_delete(&h->sessions, name);
    struct ovsdb_session *session = NULL;

    if (found && !strcmp(found->remote, remote)) {
        session = found->session;
        found->session = NULL;
    }
    handover_session_destroy(found);
    return session;
}
