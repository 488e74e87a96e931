/* SPDX-License-Identifier: Apache-2.0
 *
 * See api-send.h. */

#include <config.h>

#include "controller/ctl/api-send.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-client.h"
#include "controller/ctl/ctl.h"
#include "controller/ctl/output.h"
#include "util.h"
#include "uuid.h"

/* How often a request is sent again, and the least time before, of which each
 * further one takes twice as long, up to DELAY_MAX_MS: 12 seconds in all.
 * Another member of a cluster takes over, or vmnd is started again, in less
 * time.  No request is sent again later than TIME_MAX_MS after the first
 * failure. */
#define REPEATS_MAX 6
#define DELAY_MIN_MS 250
#define DELAY_MAX_MS 4000
#define TIME_MAX_MS (30 * 1000)

/* Returns true if the server takes a key with this call, or would if it were
 * no plan. */
static bool
has_key(const char *method, const char *path)
{
    if (!strcmp(method, "GET")) {
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

/* Returns true if this result leaves open whether a write took effect.  Once
 * it does ('uncertain'), so does every further failure to reach a server that
 * takes changes. */
static bool
is_uncertain(int error, const struct ctl_reply *reply, bool uncertain)
{
    if (error) {
        return (error == ECONNRESET || error == ETIMEDOUT
                || (uncertain && (error == ECONNREFUSED || error == EAGAIN)));
    }
    return (reply->status == 503
            && (uncertain || ctl_reply_is_problem(reply, "uncertain")));
}

/* Waits before it is sent for the 'n'-th time, for 'retry_after_s' or longer.
 * Returns false if that is after 'end_ms', which is set the first time. */
static bool
pause_before(struct ctl *ctl, int n, int retry_after_s, long long int *end_ms)
{
    long long int ms = MAX(MIN(DELAY_MIN_MS << (n - 1), DELAY_MAX_MS),
                           retry_after_s * 1000LL);
    long long int now_ms = ctl_now_ms();
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

    if (n == 1) {
        *end_ms = now_ms + TIME_MAX_MS;
    }
    if (now_ms + ms > *end_ms) {
        return false;
    }
    ctl_progress(ctl, "no answer yet; sending it again");
    nanosleep(&pause, NULL);
    return true;
}

int
ctl_send(struct ctl *ctl, const char *method, const char *path,
         const json_t *body, const char *type, int timeout_ms,
         struct ctl_reply *reply, struct vmn_error *why)
{
    bool keyed = has_key(method, path), uncertain = false;
    char key[UUID_LEN + 1];
    long long int end_ms = 0;
    struct uuid uuid;
    int error;

    uuid_generate(&uuid);
    snprintf(key, sizeof key, UUID_FMT, UUID_ARGS(&uuid));
    ctl_client_idempotency_key(ctl->client, keyed ? key : NULL);
    for (int n = 1;; n++) {
        error = ctl_client_call(ctl->client, method, path, body, type,
                                timeout_ms, reply, why);
        uncertain = (keyed && !ctl->dry_run
                     && is_uncertain(error, reply, uncertain));
        if (!(uncertain ? error != ETIMEDOUT : error == EAGAIN)
            || n > REPEATS_MAX
            || !pause_before(ctl, n, reply->retry_after_s, &end_ms)) {
            break;
        }
        if (error) {
            vmn_error_uninit(why);
        } else {
            ctl_reply_uninit(reply);
        }
    }
    ctl_client_idempotency_key(ctl->client, NULL);
    if (uncertain) {
        ctl_progress(ctl, NULL);
        fprintf(ctl->err, "vmnctl: it is not known whether the change took "
                "effect; vmnctl history has it if so\n");
    }
    return error;
}
