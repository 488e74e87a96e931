/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker processes of apps, as vmnd has them: those that have ended are
 * started again.  Not for what they do (worker/). */

#include <config.h>

#include "controller/vmnd.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "openvswitch/util.h"
#include "unixctl.h"
#include "util.h"

/* How often it is looked after them, in ms: while one computes something late,
 * and otherwise. */
#define LOOK_BUSY_MS 10
#define LOOK_MS 250

static void
look_later(struct vmnd *vmnd, bool busy)
{
    const struct timeval in = {
        .tv_usec = (busy ? LOOK_BUSY_MS : LOOK_MS) * 1000,
    };

    event_add(vmnd->workers_timer, &in);
}

static void
look_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;
    bool grown = apphost_run(vmnd->apphost);

    bool busy = grown || apphost_is_busy(vmnd->apphost);

    if (grown) {
        commit_retry(vmnd->commit);
    }
    if (busy || apphost_has_workers(vmnd->apphost)) {
        look_later(vmnd, busy);
    }
}

static void
busy_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    if (vmnd->workers_timer) {
        look_later(vmnd, true);
    }
}

/* Ends what resume_cb() has begun. */
static void
end_resuming(struct vmnd *vmnd, const char *error)
{
    struct unixctl_conn *conn = vmnd->resuming.conn;

    vmnd->resuming.conn = NULL;
    free(vmnd->resuming.app);
    if (error) {
        unixctl_command_reply_error(conn, error);
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

/* Puts an app in its place that was loaded again. */
static void
load_cb(void *vmnd_)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct vmnd *vmnd = vmnd_;

    if (vmnd_load_absent(vmnd, vmnd->resuming.app, &why)) {
        end_resuming(vmnd, why.text);
        vmn_error_uninit(&why);
    } else {
        end_resuming(vmnd, NULL);
    }
}

static void
loaded_cb(void *vmnd_, const char *error)
{
    struct vmnd *vmnd = vmnd_;
    char *text;

    vmnd->resuming.load = NULL;
    if (error) {
        text = xasprintf("app %s cannot be loaded: %s", vmnd->resuming.app,
                         error);
        end_resuming(vmnd, text);
        free(text);
    } else {
        commit_when_quiescent(vmnd->commit, load_cb, vmnd);
    }
}

/* Loads an app again that has no worker, since it could not be loaded. */
static void
resume_absent(struct vmnd *vmnd, struct unixctl_conn *conn, const char *app)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct apphost_load *load = vmnd_prepare_absent(vmnd, app, loaded_cb, vmnd,
                                                    &why);

    if (!load) {
        unixctl_command_reply_error(conn, why.text);
        vmn_error_uninit(&why);
        return;
    }
    vmnd->resuming.conn = conn;
    vmnd->resuming.app = xstrdup(app);
    vmnd->resuming.load = load;
}

static void
resume_cb(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[],
          void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    if (apphost_resume(vmnd->apphost, argv[1])) {
        unixctl_command_reply(conn, NULL);
    } else if (vmnd->resuming.conn) {
        unixctl_command_reply_error(conn, "another app is being loaded");
    } else {
        resume_absent(vmnd, conn, argv[1]);
    }
}

void
vmnd_watch_workers(struct vmnd *vmnd)
{
    if (vmnd->workers_timer && apphost_has_workers(vmnd->apphost)
        && !event_pending(vmnd->workers_timer, EV_TIMEOUT, NULL)) {
        look_later(vmnd, false);
    }
}

void
vmnd_start_workers(struct vmnd *vmnd)
{
    vmnd->workers_timer = event_new(loop_base(vmnd->loop), -1, 0, look_cb,
                                    vmnd);
    vmnd_watch_workers(vmnd);
    apphost_set_busy_cb(vmnd->apphost, busy_cb, vmnd);
    unixctl_command_register("apps/resume", "APP", 1, 1, resume_cb, vmnd);
}

void
vmnd_stop_workers(struct vmnd *vmnd)
{
    if (vmnd->workers_timer) {
        event_free(vmnd->workers_timer);
        vmnd->workers_timer = NULL;
    }
    if (vmnd->resuming.conn) {
        apphost_cancel_prepare(vmnd->resuming.load);
        vmnd->resuming.load = NULL;
        commit_cancel_when_quiescent(vmnd->commit, load_cb, vmnd);
        end_resuming(vmnd, "vmnd ends");
    }
}
