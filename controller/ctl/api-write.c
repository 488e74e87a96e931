/* SPDX-License-Identifier: Apache-2.0
 *
 * See api-write.h.  Not for reads, which commands repeat as they like. */

#include <config.h>

#include "controller/ctl/api-write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-client.h"
#include "controller/ctl/ctl.h"
#include "controller/ctl/output.h"
#include "util.h"
#include "uuid.h"

/* How often a write is sent again, and after how long for the first time; each
 * further one takes twice as long, up to DELAY_MAX_MS: 12 seconds in all.
 * Another member of a cluster takes over, or vmnd is started again, in less
 * time. */
#define REPEATS_MAX 6
#define DELAY_MIN_MS 250
#define DELAY_MAX_MS 4000

bool
ctl_is_write(const struct ctl *ctl, const char *method, const char *path)
{
    if (ctl->dry_run || !strcmp(method, "GET")) {
        return false;
    }
    if (!strcmp(method, "POST")) {
        return (!strncmp(path, "/v1/apply", 9)
                || (!strncmp(path, "/v1/revisions/", 14)
                    && strstr(path, "/undo"))
                || (!strncmp(path, "/v1/drafts/", 11)
                    && strstr(path, "/apply")));
    }
    return strncmp(path, "/v1/cluster/", 12) != 0;
}

/* Returns true if this result of sending it for the 'n'-th time, from 0 on,
 * leaves open whether it took effect.  Once it does, so does every further
 * failure to reach a server that takes changes. */
static bool
is_uncertain(int error, const struct ctl_reply *reply, int n)
{
    const char *type;

    if (error) {
        return error == ECONNRESET || (n && error == ECONNREFUSED);
    }
    type = json_string_value(json_object_get(reply->body, "type"));
    return (reply->status == 503
            && (n || (type && !strcmp(type, "urn:vmn:problem:uncertain"))));
}

/* Waits before it is sent for the 'n'-th time. */
static void
pause_before(struct ctl *ctl, int n)
{
    int ms = MIN(DELAY_MIN_MS << (n - 1), DELAY_MAX_MS);
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

    ctl_progress(ctl, "no answer yet; sending it again");
    nanosleep(&pause, NULL);
}

int
ctl_write(struct ctl *ctl, const char *method, const char *path,
          const json_t *body, const char *type, int timeout_ms,
          struct ctl_reply *reply, struct vmn_error *why)
{
    char key[UUID_LEN + 1];
    struct uuid uuid;
    bool uncertain;
    int error;

    uuid_generate(&uuid);
    snprintf(key, sizeof key, UUID_FMT, UUID_ARGS(&uuid));
    ctl_client_idempotency_key(ctl->client, key);
    for (int n = 0;; n++) {
        error = ctl_client_call(ctl->client, method, path, body, type,
                                timeout_ms, reply, why);
        uncertain = is_uncertain(error, reply, n);
        if (!uncertain || n >= REPEATS_MAX) {
            break;
        }
        if (error) {
            vmn_error_uninit(why);
        } else {
            ctl_reply_uninit(reply);
        }
        pause_before(ctl, n + 1);
    }
    ctl_client_idempotency_key(ctl->client, NULL);
    if (uncertain) {
        ctl_progress(ctl, NULL);
        fprintf(ctl->err, "vmnctl: it is not known whether the change took "
                "effect; vmnctl history has it if so\n");
    }
    return error;
}
