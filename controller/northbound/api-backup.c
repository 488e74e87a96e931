/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/backup: sends a copy of the database file.  A thread makes the copy;
 * it is sent as fast as the client reads. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(backup);

static void
refuse(struct http_request *req, const char *text)
{
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "unavailable", NULL,
                       "The backup could not be made: %s", text);
}

static void
on_copied(void *nb_, int error, const struct vmn_error *why, int fd)
{
    const char *text = error ? why->text : NULL;
    struct northbound *nb = nb_;
    struct http_request *req = nb->backup;
    struct stat st;

    nb->backup = NULL;
    if (!error && fstat(fd, &st)) {
        error = errno;
    }
    if (error) {
        VLOG_ERR("cannot make a backup: %s",
                 text ? text : ovs_strerror(error));
        if (req) {
            refuse(req, text ? text : ovs_strerror(error));
        }
    } else if (req) {
        VLOG_INFO("made a backup of %lld bytes for %s", (long long) st.st_size,
                  http_request_who(req));
        nb->store_class->note_backup(
            nb->store, &(const struct store_last_backup) {
                .ms = time_wall_msec(), .revision = nb->backup_revision,
            });
        http_reply_file(req, 200, "application/vnd.sqlite3", fd, st.st_size);
        return;
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* The client has disconnected.  The copy goes on, and is discarded. */
static void
on_gone(void *nb_)
{
    struct northbound *nb = nb_;

    http_request_drop(nb->backup);
    nb->backup = NULL;
}

void
nb_get_backup(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct vmn_error why = VMN_ERROR_INIT;

    if (nb->store_class->copy(nb->store, nb->model, on_copied, nb, &why)) {
        refuse(req, why.text);
        vmn_error_uninit(&why);
    } else {
        nb->backup = req;
        nb->backup_revision = model_durable_revision(nb->model);
        http_request_set_close_cb(req, on_gone, nb);
    }
}
