/* SPDX-License-Identifier: Apache-2.0
 *
 * See prober-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "random.h"
#include "tests/unit/prober-fixture.h"
#include "util.h"

static const struct vmn_ip server_ip = { 4, { 10, 0, 0, 1 } };

static bool
send_cb(void *w_, const char *host, uint32_t ofport, const void *frame,
        size_t size)
{
    struct prober_world *w = w_;

    if (!w->online) {
        return false;
    }
    assert_true(size <= sizeof w->last);
    memcpy(w->last, frame, size);
    w->last_size = size;
    ovs_strzcpy(w->host, host, sizeof w->host);
    w->ofport = ofport;
    w->sent_us[w->n_sent++ % ARRAY_SIZE(w->sent_us)] = w->now_us;
    if (w->answers && !w->cut) {
        w->has_answer = true;
        w->answer_us = w->now_us + w->delay_us;
    }
    return true;
}

static void
changed_cb(void *w_, struct backend *b, bool gone)
{
    struct prober_world *w = w_;
    size_t n = strlen(w->told);

    if (!gone) {
        snprintf(w->told + n, sizeof w->told - n, "%s ",
                 backend_state_names[b->shown]);
    }
}

static int64_t
quiet_since_cb(void *w_, struct backend *b OVS_UNUSED,
               int64_t now_us OVS_UNUSED)
{
    const struct prober_world *w = w_;

    return w->quiet_us;
}

static void
probe_host_cb(void *w_, const char *host OVS_UNUSED)
{
    struct prober_world *w = w_;

    w->n_probed++;
}

/* The host answers everything at once, unless it is cut off. */
static bool
heard_since_cb(void *w_, const char *host OVS_UNUSED, int64_t since_us)
{
    struct prober_world *w = w_;

    if (!w->cut) {
        w->heard_us = w->now_us;
    }
    return w->heard_us > since_us;
}

static void
probed_cb(void *w_ OVS_UNUSED, struct backend *b OVS_UNUSED)
{
}

static const struct prober_ops ops = {
    .send = send_cb,
    .probe_host = probe_host_cb,
    .heard_since = heard_since_cb,
    .changed = changed_cb, .probed = probed_cb, .quiet_since = quiet_since_cb,
};

/* The addresses of the ping change places, which no checksum sees, and its
 * type is 0 instead of 8. */
void
answer_ping(struct prober_world *w, const char *host, uint32_t in_port)
{
    uint8_t f[256], *icmp = f + 34;
    unsigned sum;

    memcpy(f, w->last, w->last_size);
    memcpy(f, w->last + 6, 6);
    memcpy(f + 6, w->last, 6);
    memcpy(f + 26, w->last + 30, 4);
    memcpy(f + 30, w->last + 26, 4);
    icmp[0] = 0;
    sum = (icmp[2] << 8 | icmp[3]) + 0x800;
    sum = (sum & 0xffff) + (sum >> 16);
    icmp[2] = sum >> 8;
    icmp[3] = sum;
    prober_receive(&w->prober, host, in_port, f, w->last_size, w->now_us);
}

void
pass_until(struct prober_world *w, int64_t end_us)
{
    for (;;) {
        int64_t next = prober_next(&w->prober);

        if (w->has_answer && w->answer_us < next) {
            next = w->answer_us;
        }
        if (next > end_us) {
            break;
        }
        w->now_us = MAX(w->now_us, next);
        if (w->has_answer && w->answer_us <= w->now_us) {
            w->has_answer = false;
            answer_ping(w, w->host, w->ofport);
        }
        prober_run(&w->prober, w->now_us);
    }
    w->now_us = end_us;
}

void
pass_ms(struct prober_world *w, int64_t ms)
{
    pass_until(w, w->now_us + ms * 1000);
}

const struct prober_settings default_settings = {
    .probes = true, .type = PROBE_PING, .vip = { 4, { 10, 0, 0, 100 } },
    .interval_ms = 1000, .timeout_ms = 600,
    .healthy_after = 2, .unhealthy_after = 2, .unheard_ms = 30000,
    .drain_ms = 5000,
};

struct prober_member
member_of(const char *port)
{
    return (struct prober_member) {
        .port = port, .host = "h1", .ofport = 7, .ip = server_ip,
        .mac = { { 2, 0, 0, 0, 0, 1 } }, .vip_mac = { { 14, 0, 0, 0, 0, 1 } },
    };
}

void
set_member(struct prober_world *w, const struct prober_member *m)
{
    prober_set(&w->prober, "lb", &default_settings, m, m ? 1 : 0, w->now_us);
}

struct prober_world *
prober_world_create(void)
{
    struct prober_world *w = xzalloc(sizeof *w);

    random_set_seed(11);
    prober_init(&w->prober, &ops, w);
    w->now_us = 1000000000;
    w->online = w->answers = true;
    w->delay_us = 1500;
    w->quiet_us = INT64_MAX;
    return w;
}

void
prober_world_destroy(struct prober_world *w)
{
    prober_uninit(&w->prober);
    free(w);
}
