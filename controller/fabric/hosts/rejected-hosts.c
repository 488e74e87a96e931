/* SPDX-License-Identifier: Apache-2.0
 *
 * Records rejected hosts; see rejected-hosts.h. */

#include <config.h>

#include "controller/fabric/hosts/rejected-hosts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/fabric-status.h"
#include "controller/schema/arena.h"
#include "proto/text/quoted-text.h"
#include "timeval.h"
#include "util.h"

/* Maximum length of a reason; longer ones are truncated. */
#define REASON_MAX 200

struct rejected {
    const char *protocol;       /* Constant. */
    char *address;
    char *reason;
    uint64_t n;
    int64_t first_ms, last_ms;  /* Wall clock. */
};

struct rejected_hosts {
    size_t n;
    struct rejected list[REJECTED_HOSTS_MAX]; /* The newest first. */
    uint64_t n_all;
};

void
rejected_hosts_create(struct fabric *f)
{
    f->rejected = xzalloc(sizeof *f->rejected);
}

static void
rejected_free(struct rejected *rejected)
{
    free(rejected->address);
    free(rejected->reason);
}

void
rejected_hosts_destroy(struct fabric *f)
{
    for (size_t i = 0; f->rejected && i < f->rejected->n; i++) {
        rejected_free(&f->rejected->list[i]);
    }
    free(f->rejected);
    f->rejected = NULL;
}

/* Returns the address in "tcp:ADDRESS:PORT", or "unix" if there is none.  The
 * caller frees it. */
static char *
address_of(const char *peer)
{
    const char *begin = strchr(peer, ':');
    const char *end = strrchr(peer, ':');

    if (!begin || !strncmp(peer, "unix", 4)) {
        return xstrdup("unix");
    }
    return end > begin ? xmemdup0(begin + 1, end - begin - 1)
                       : xstrdup(begin + 1);
}

static void
remove_at(struct rejected_hosts *r, size_t i)
{
    rejected_free(&r->list[i]);
    memmove(&r->list[i], &r->list[i + 1],
            (--r->n - i) * sizeof r->list[0]);
}

/* Makes room for another entry of 'address', if necessary. */
static void
make_room(struct rejected_hosts *r, const char *address)
{
    size_t n_same = 0, last_same = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (!strcmp(r->list[i].address, address)) {
            n_same++;
            last_same = i;
        }
    }
    if (n_same >= REJECTED_OF_ADDRESS_MAX) {
        remove_at(r, last_same);
    } else if (r->n >= REJECTED_HOSTS_MAX) {
        remove_at(r, r->n - 1);
    }
}

static void
move_to_front(struct rejected_hosts *r, size_t i)
{
    struct rejected rejected = r->list[i];

    memmove(&r->list[1], &r->list[0], i * sizeof r->list[0]);
    r->list[0] = rejected;
}

void
rejected_hosts_add(struct fabric *f, const char *protocol, const char *peer,
                   const char *reason)
{
    struct rejected_hosts *r = f->rejected;
    char *address = address_of(peer);
    char *text = xmemdup0(reason, strnlen(reason, REASON_MAX));
    int64_t now_ms = time_wall_msec();
    size_t i;

    /* Names that the peer has given to itself are in it. */
    text_restrict(text);
    r->n_all++;
    for (i = 0; i < r->n; i++) {
        if (!strcmp(r->list[i].address, address)
            && !strcmp(r->list[i].protocol, protocol)
            && !strcmp(r->list[i].reason, text)) {
            break;
        }
    }
    if (i < r->n) {
        free(address);
        free(text);
    } else {
        make_room(r, address);
        i = r->n++;
        r->list[i] = (struct rejected) {
            .protocol = protocol, .address = address, .reason = text,
            .first_ms = now_ms,
        };
    }
    r->list[i].n++;
    r->list[i].last_ms = now_ms;
    move_to_front(r, i);
}

void
rejected_hosts_forget(struct fabric *f, const char *peer)
{
    struct rejected_hosts *r = f->rejected;
    char *address = address_of(peer);

    for (size_t i = r->n; i-- > 0; ) {
        if (!strcmp(r->list[i].address, address)) {
            remove_at(r, i);
        }
    }
    free(address);
}

struct fabric_rejected_host *
fabric_rejected_hosts(const struct fabric *f, struct arena *arena, size_t *n)
{
    const struct rejected_hosts *r = f->rejected;
    struct fabric_rejected_host *hosts = arena_alloc(arena,
                                                     r->n * sizeof *hosts);

    *n = r->n;
    for (size_t i = 0; i < r->n; i++) {
        hosts[i] = (struct fabric_rejected_host) {
            .address = r->list[i].address, .protocol = r->list[i].protocol,
            .reason = r->list[i].reason, .count = r->list[i].n,
            .first = r->list[i].first_ms, .last = r->list[i].last_ms,
        };
    }
    return hosts;
}

uint64_t
fabric_n_rejected_hosts(const struct fabric *f)
{
    return f->rejected->n_all;
}
