/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of proto/guest: segments by which a guest would break TCP, whose
 * asserts abort, or have it do too much; and bounds of what many guests take
 * together.  Not for what is right: test-guest-http.c. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/guest/guest-http.h"
#include "proto/guest/guest-segment.h"
#include "proto/guest/guest-tcp.h"
#include "tests/unit/guest-client.h"
#include "timeval.h"
#include "util.h"
#include "vmn/requests.h"

/* Sends data with any window and options, behind what was sent. */
static void
say(struct client *c, const char *text, uint16_t window,
    const uint8_t *options, size_t n_options)
{
    const struct raw raw = {
        .flags = ACK, .seq = c->seq, .ack = c->ack, .window = window,
        .options = options, .n_options = n_options,
        .data = text, .size = strlen(text),
    };

    assert_null(send_raw(c, &raw));
    c->seq += strlen(text);
}

/* Handshakes, with a window in the SYN. */
static void
open_raw(struct client *c, uint16_t mss, uint16_t window)
{
    const uint8_t options[] = { 2, 4, mss >> 8, mss & 0xff };
    const struct raw syn = {
        .flags = SYN, .seq = c->seq, .window = window,
        .options = options, .n_options = sizeof options,
    };

    assert_null(send_raw(c, &syn));
    c->seq++;
    take(c);
    assert_true(c->synced);
}

/* The size of the longest segment's data that was sent, and how many bytes
 * there are. */
static size_t
longest(const struct world *w, size_t *total)
{
    size_t max = 0;

    *total = 0;
    for (size_t i = 0; i < w->n_sent; i++) {
        size_t size = (w->sent[i].size
                       - (w->sent[i].segment[12] >> 4) * 4u);

        max = MAX(max, size);
        *total += size;
    }
    return max;
}

/* Options.  --------------------------------------------------------------- */

/* lwIP believes the maximum segment size of any segment, and asserts that it
 * is not less than what waits to be sent. */
static void
segment_size_without_syn(void **state)
{
    static const uint8_t mss_1[] = { 2, 4, 0, 1 };
    struct client *c = make_client(*state, "web-1", 3, false);

    open_raw(c, 1460, 0xffff);
    say(c, "GET /a" NEXT, 0, NULL, 0);
    say(c, "GET /b" NEXT, 0, mss_1, sizeof mss_1);
    say(c, "", 0xffff, NULL, 0);
    take(c);
    assert_non_null(strstr(c->got, "web-1 /a"));
    assert_non_null(strstr(c->got, "web-1 /b"));
    end(c);
}

/* Each kind of option, and none that is one, in any segment. */
static void
other_options_are_not_heard(void **state)
{
    static const uint8_t options[][8] = {
        { 3, 3, 14, 1, 2, 4, 0, 0 }, { 8, 10, 1, 1, 1, 1, 1, 1 },
        { 4, 2, 5, 200, 2, 0, 2, 4 }, { 2, 4, 0 }, { 1, 1, 1, 1, 1, 1, 1, 2 },
        { 2, 255, 1, 1, 3, 3, 255, 0 },
    };
    struct client *c = make_client(*state, "web-1", 3, false);
    struct raw syn = { .flags = SYN, .seq = c->seq, .window = 0xffff };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        syn.options = options[i];
        syn.n_options = sizeof options[i];
        assert_null(send_raw(c, &syn));
    }
    c->seq++;
    take(c);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        say(c, "GET /a" NEXT, 0xffff, options[i], sizeof options[i]);
        take(c);
    }
    assert_non_null(strstr(c->got, "web-1 /a"));
    end(c);
}

/* One reply is not any number of frames: not by the maximum segment size,
 * neither by the window, of which lwIP takes half. */
static void
segments_are_not_tiny(void **state)
{
    static const struct {
        uint16_t mss, window;
    } cases[] = { { 1, 0xffff }, { 1460, 2 }, { 1460, 0 }, { 0, 3 } };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client *c = make_client(*state, "web-1", 3, false);
        size_t total;

        c->ends.src_port += i;
        open_raw(c, cases[i].mss, cases[i].window);
        c->w->n_sent = c->read = 0;
        say(c, "GET /big" NEXT, cases[i].window, NULL, 0);
        say(c, "", 0xffff, NULL, 0);
        assert_true(longest(c->w, &total) >= GUEST_MSS_MIN);
        assert_true(c->w->n_sent <= GUEST_BURST);
        end(c);
    }
}

/* Not all that waits comes at once, whatever a client acknowledges, and does
 * with its window. */
static void
frames_for_one_are_bounded(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    size_t most = 0, total = 0, size;

    open_raw(c, 1, 0xffff);
    say(c, "GET /big" NEXT, 0xffff, NULL, 0);
    for (int i = 0; i < 200 && total < BIG_SIZE; i++) {
        const struct sent *last = &w->sent[w->n_sent - 1];

        longest(w, &size);
        total += size;
        c->ack = (get_u32(last->segment + 4) + (uint32_t) last->size
                  - (last->segment[12] >> 4) * 4u);
        say(c, "", 0, NULL, 0);
        w->n_sent = 0;
        say(c, "", 0xffff, NULL, 0);
        most = MAX(most, w->n_sent);
        assert_true(w->n_sent <= GUEST_BURST);
        if (!w->n_sent) {
            break;
        }
    }
    assert_true(total >= BIG_SIZE);
    assert_true(most > 4);
    w->n_sent = 0;
    free(c);
}

/* Numbers.  --------------------------------------------------------------- */

/* lwIP keeps what comes early as it is if that is the first, and asserts
 * later that it was within the window. */
static void
data_beyond_the_window(void **state)
{
    static char data[1460];
    struct client *c = make_client(*state, "web-1", 3, false);
    struct raw raw = { .flags = ACK, .window = 0xffff, .data = data };
    uint32_t first;

    memset(data, 'a', sizeof data);
    open_conn(c, 1460);
    first = c->seq;
    raw.ack = c->ack;
    raw.seq = first + 65534;
    raw.size = sizeof data;
    assert_null(send_raw(c, &raw));
    for (uint32_t at = 1; at < 65534; at += raw.size) {
        raw.seq = first + at;
        raw.size = MIN(sizeof data, 65534 - at);
        assert_null(send_raw(c, &raw));
    }
    raw.seq = first;
    raw.size = 1;
    assert_null(send_raw(c, &raw));
    c->seq++;
    now_ms += 250;
    guest_http_run(c->w->http);
    /* Nothing else was taken. */
    assert_int_equal(get_u32(c->w->sent[c->w->n_sent - 1].segment + 8),
                     first + 1);
    take(c);
    free(c);
}

/* What comes early is sent again by the client, and what came before is not
 * taken twice. */
static void
data_out_of_order(void **state)
{
    static const char text[] = "GET /a" NEXT;
    struct client *c = make_client(*state, "web-1", 3, false);
    const uint32_t first = c->seq + 1;
    struct raw raw = { .flags = ACK, .window = 0xffff };

    open_conn(c, 1460);
    raw.ack = c->ack;
    raw.seq = first + 4;
    raw.data = text + 4;
    raw.size = sizeof text - 1 - 4;
    c->w->n_sent = c->read = 0;
    assert_null(send_raw(c, &raw));
    assert_int_equal(c->w->n_sent, 1);
    assert_int_equal(get_u32(c->w->sent[0].segment + 8), first);
    raw.seq = first;
    raw.data = text;
    raw.size = 6;
    assert_null(send_raw(c, &raw));
    raw.seq = first + 2;        /* The half of it again. */
    raw.data = text + 2;
    raw.size = sizeof text - 1 - 2;
    assert_null(send_raw(c, &raw));
    c->seq += sizeof text - 1;
    take(c);
    assert_non_null(strstr(c->got, "web-1 /a"));
    assert_int_equal(n_connections(c->w), 1);
    end(c);
}

/* lwIP asserts that something waits while it probes a window that is closed.
 * Here all that waits was sent before, and is acknowledged then. */
static void
window_that_closes_before_the_acknowledgement(void **state)
{
    struct client *c = make_client(*state, "web-1", 3, false);
    struct raw raw = { .flags = ACK };

    open_conn(c, 1460);
    assert_null(send_segment(c, ACK, "GET /a" NEXT, strlen("GET /a" NEXT),
                             0));
    c->seq += strlen("GET /a" NEXT);
    raw.seq = c->seq;
    raw.ack = c->ack;           /* Of nothing of the reply. */
    assert_null(send_raw(c, &raw));
    for (int i = 0; i < 40; i++) {
        now_ms += 250;
        guest_http_run(c->w->http);
    }
    for (size_t i = c->read; i < c->w->n_sent; i++) {
        const struct sent *sent = &c->w->sent[i];
        size_t size = sent->size - (sent->segment[12] >> 4) * 4u;

        raw.ack = MAX(raw.ack, get_u32(sent->segment + 4) + (uint32_t) size);
    }
    assert_int_not_equal(raw.ack, c->ack);
    assert_null(send_raw(c, &raw));
    for (int i = 0; i < 40; i++) {
        now_ms += 250;
        guest_http_run(c->w->http);
    }
    free(c);
}

/* Flags.  ----------------------------------------------------------------- */

/* lwIP takes each segment with SYN and without ACK for a new connection. */
static void
flags_that_open_nothing(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    struct raw raw = { .window = 0xffff };

    for (unsigned flags = 0; flags < 256; flags++) {
        const char *why;

        if ((flags & (SYN | FIN | RST | ACK)) == SYN) {
            continue;           /* With or without the others: it opens. */
        }
        raw.flags = (uint8_t) flags;
        raw.seq = raw.ack = 1000 * flags;
        c->ends.src_port = (uint16_t) (2000 + flags);
        why = send_raw(c, &raw);
        assert_non_null(why);
        assert_int_equal(n_connections(w), 0);
    }
    for (size_t i = 0; i < w->n_sent; i++) {
        const uint8_t *segment = w->sent[i].segment;

        assert_int_equal(segment[13], RST);
        assert_int_equal(get_u32(segment + 4) % 1000, 0);
    }
    assert_true(w->n_sent > 0);
    w->n_sent = 0;
    /* Nothing is left of them that would be sent again. */
    for (int i = 0; i < 100; i++) {
        now_ms += 250;
        guest_http_run(w->http);
    }
    assert_int_equal(w->n_sent, 0);
    free(c);
}

/* And in the middle of a connection. */
static void
flags_that_break_nothing(void **state)
{
    for (unsigned flags = 0; flags < 256; flags++) {
        struct client *c = make_client(*state, "web-1", 3 + flags, false);
        struct raw raw = { .flags = (uint8_t) flags, .window = 0xffff,
                           .data = "GET /a" NEXT, .size = 4 };

        c->ends.src_port = (uint16_t) (2000 + flags);
        raw.seq = c->seq;
        assert_null(send_segment(c, SYN, "", 0, 1460));
        send_raw(c, &raw);      /* In the middle of the handshake. */
        c->seq++;
        take(c);
        raw.seq = c->seq;
        raw.ack = c->ack;
        send_raw(c, &raw);
        send_segment(c, ACK, "", 0, 0);
        send_raw(c, &raw);
        raw.seq += 4;
        send_raw(c, &raw);
        c->w->n_sent = 0;
        free(c);
    }
    for (int i = 0; i < 400; i++) {
        now_ms += 250;
        guest_http_run(((struct world *) *state)->http);
        ((struct world *) *state)->n_sent = 0;
    }
}

/* Hop limits.  ------------------------------------------------------------ */

/* What is to go no further than the guest does not leave by another reply,
 * neither when it is sent again. */
static void
hop_limit_is_not_raised(void **state)
{
    static const char text[] = "PUT /near" NEXT "GET /a" NEXT;
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    size_t total;

    open_conn(c, 1460);
    w->n_sent = c->read = 0;
    assert_null(send_segment(c, ACK, text, sizeof text - 1, 0));
    for (int i = 0; i < 40; i++) {
        now_ms += 250;          /* The reply is lost, again and again. */
        guest_http_run(w->http);
    }
    assert_true(w->n_sent > 2);
    assert_true(longest(w, &total) > 0);
    for (size_t i = 0; i < w->n_sent; i++) {
        assert_int_equal(w->sent[i].ttl, 1);
    }
    c->seq += sizeof text - 1;
    take(c);
    assert_non_null(strstr(c->got, "web-1 /near"));
    assert_non_null(strstr(c->got, "Connection: close"));
    assert_null(strstr(c->got, "/a"));
    assert_true(c->closed);
    end(c);
}

/* What many take.  -------------------------------------------------------- */

/* A client of a port of owner 'owner'; others are of owner 0. */
static struct client *
make_client_of(struct world *w, const char *port, uint32_t in_port,
               uint32_t owner)
{
    struct client *c = make_client(w, port, in_port, false);

    c->peer.owner = owner;
    return c;
}

/* The n-th connection of those that have 'per_port' of a port each. */
static struct client *
make_one_of_many(struct world *w, unsigned n, unsigned per_port)
{
    struct client *c = make_client(w, "web-1", 100 + n / per_port, false);

    c->ends.src_port = (uint16_t) (1000 + n);
    return c;
}

/* Ports with many connections lose them to each other, and of these those
 * first that were not established; others lose none. */
static void
connections_of_others_are_left_alone(void **state)
{
    struct world *w = *state;
    struct client *other = make_client(w, "web-2", 4, false);
    struct client *established = make_one_of_many(w, 0, 31);

    open_conn(other, 1460);
    open_conn(established, 1460);
    for (unsigned n = 1; n < 1100; n++) {
        struct client *c = make_one_of_many(w, n, 31);

        assert_null(send_segment(c, SYN, "", 0, 1460));
        w->n_sent = 0;
        free(c);
    }
    assert_int_equal(n_connections(w), 1024);
    other->read = established->read = w->n_sent = 0;
    guest_ask(other, "GET /a" NEXT);
    assert_non_null(strstr(other->got, "web-2 /a"));
    established->read = w->n_sent = 0;
    guest_ask(established, "GET /a" NEXT);
    assert_non_null(strstr(established->got, "web-1 /a"));
    end(other);
    end(established);
}

static uint64_t
n_requests(struct world *w)
{
    struct guest_http_stats stats;

    guest_http_get_stats(w->http, &stats);
    return stats.n_requests;
}

/* A frame with many requests does not have all of them answered at once. */
static void
requests_of_a_frame_wait(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    char text[10 * sizeof "GET /a" NEXT] = "";

    for (int i = 0; i < 10; i++) {
        strcat(text, "GET /a" NEXT);
    }
    open_conn(c, 1460);
    assert_null(send_segment(c, ACK, text, strlen(text), 0));
    c->seq += strlen(text);
    assert_true(n_requests(w) < 10);
    for (int i = 0; i < 10; i++) {
        guest_http_run(w->http);
        take(c);
    }
    assert_int_equal(n_requests(w), 10);
    end(c);
}

/* What a client sends ahead of replies is taken when there is room for it, and
 * not held against it. */
static void
requests_ahead_of_replies(void **state)
{
    enum { N = 20, SIZE = 1000 };
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    uint32_t first, taken = 0;
    char text[N * SIZE + 1];

    memset(text, 'a', sizeof text);
    text[N * SIZE] = '\0';
    for (int i = 0; i < N; i++) {
        memcpy(text + i * SIZE, "GET /", 5);
        memcpy(text + (i + 1) * SIZE - strlen(NEXT), NEXT, strlen(NEXT));
    }
    open_conn(c, 1460);
    say(c, "GET /big" NEXT, 0xffff, NULL, 0); /* The others wait for it. */
    first = c->seq;
    for (int i = 0; i < 20 && taken < N * SIZE; i++) {
        for (uint32_t at = taken; at < N * SIZE; at += 500) {
            c->seq = first + at;
            assert_null(send_segment(c, ACK, text + at,
                                     MIN(500, N * SIZE - at), 0));
        }
        now_ms += 250;
        guest_http_run(w->http);
        taken = get_u32(w->sent[w->n_sent - 1].segment + 8) - first;
        c->seq = first + taken;
        take(c);
    }
    guest_http_run(w->http);
    take(c);
    assert_int_equal(n_requests(w), N + 1);
    assert_int_equal(n_connections(w), 1);
    end(c);
}

/* Of all ports there are 1,000 requests a second, and those of two seconds at
 * once. */
static void
requests_of_all_are_bounded(void **state)
{
    struct world *w = *state;
    long long int start = time_msec();

    for (unsigned n = 0; n < 31 * 32; n++) {
        struct client *c = make_one_of_many(w, n, 32);

        open_conn(c, 1460);
        guest_ask(c, "GET /a" NEXT "GET /b" NEXT "GET /c" NEXT);
        w->n_sent = 0;
        free(c);
    }
    assert_true(n_requests(w) >= 1000);
    assert_true(n_requests(w) <= 2000 + (uint64_t) (time_msec() - start) + 1);
}

/* Replies that nobody reads take no more memory than there is for them. */
static void
replies_that_wait_are_bounded(void **state)
{
    struct world *w = *state;
    /* Of 32 MiB, an owner leaves a quarter to others. */
    const unsigned fit = 24 * 1024 * 1024 / (BIG_SIZE + 1024);
    struct client *other;

    for (unsigned n = 0; n < fit + 10; n++) {
        struct client *c = make_one_of_many(w, n, 30);
        bool refused = false;

        open_conn(c, 1460);
        w->n_sent = c->read = 0;
        assert_null(send_segment(c, ACK, "GET /big" NEXT,
                                 strlen("GET /big" NEXT), 0));
        assert_true(w->n_sent > 0);
        refused = !memcmp(w->sent[0].segment + 20, "HTTP/1.1 503", 12);
        assert_true(refused ? n >= fit : n < fit + 9);
        w->n_sent = 0;
        free(c);
    }
    other = make_client_of(w, "web-2", 4, 2);
    open_conn(other, 1460);
    other->read = w->n_sent = 0;
    assert_null(send_segment(other, ACK, "GET /big" NEXT,
                             strlen("GET /big" NEXT), 0));
    assert_memory_equal(w->sent[0].segment + 20, "HTTP/1.1 200", 12);
    end(other);
}

/* Ports of an owner that have few connections each, and all there are, lose
 * them to others' that have as many. */
static void
owner_with_most_connections_makes_way(void **state)
{
    struct world *w = *state;
    struct client *others[8];

    for (unsigned n = 0; n < 8; n++) {
        others[n] = make_client_of(w, "web-2", 2000 + n, 2);
        open_conn(others[n], 1460);
    }
    for (unsigned n = 0; n < 1200; n++) {
        struct client *c = make_one_of_many(w, n, 1);

        assert_null(send_segment(c, SYN, "", 0, 1460));
        w->n_sent = 0;
        free(c);
    }
    assert_int_equal(n_connections(w), 1024);
    for (unsigned n = 0; n < 8; n++) {
        others[n]->read = w->n_sent = 0;
        guest_ask(others[n], "GET /a" NEXT);
        assert_non_null(strstr(others[n]->got, "web-2 /a"));
        end(others[n]);
    }
}

/* Requests of an owner that wait for their turn keep those of another from
 * none. */
static void
owners_share_requests(void **state)
{
    struct world *w = *state;
    struct client *other = make_client_of(w, "web-2", 4, 2);

    for (unsigned n = 0; n < 31 * 32; n++) {
        struct client *c = make_one_of_many(w, n, 32);

        open_conn(c, 1460);
        guest_ask(c, "GET /a" NEXT "GET /b" NEXT "GET /c" NEXT);
        w->n_sent = 0;
        free(c);
    }
    open_conn(other, 1460);
    other->read = w->n_sent = 0;
    guest_ask(other, "GET /a" NEXT "GET /b" NEXT);
    assert_non_null(strstr(other->got, "web-2 /b"));
    end(other);
}

/* Another member of a cluster answers for a host: nothing is sent. */
static void
connections_of_a_host_are_forgotten(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    struct client *other = make_client(w, "web-1", 3, false);

    other->peer.host = "h2";
    open_conn(c, 1460);
    open_conn(other, 1460);
    w->n_sent = c->read = other->read = 0;
    guest_http_forget(w->http, "h1");
    assert_int_equal(w->n_sent, 0);
    assert_int_equal(n_connections(w), 1);
    assert_string_equal(send_segment(c, ACK, "", 0, 0), "no connection");
    other->read = w->n_sent;
    guest_ask(other, "GET /a" NEXT);
    assert_non_null(strstr(other->got, "/a"));
    free(c);
    end(other);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, guest_setup, \
                                                  guest_teardown)

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(segment_size_without_syn),
        TEST(other_options_are_not_heard),
        TEST(segments_are_not_tiny),
        TEST(frames_for_one_are_bounded),
        TEST(data_beyond_the_window),
        TEST(data_out_of_order),
        TEST(window_that_closes_before_the_acknowledgement),
        TEST(flags_that_open_nothing),
        TEST(flags_that_break_nothing),
        TEST(hop_limit_is_not_raised),
        TEST(connections_of_others_are_left_alone),
        TEST(requests_of_a_frame_wait),
        TEST(requests_ahead_of_replies),
        TEST(requests_of_all_are_bounded),
        TEST(replies_that_wait_are_bounded),
        TEST(owner_with_most_connections_makes_way),
        TEST(owners_share_requests),
        TEST(connections_of_a_host_are_forgotten),
    };

    set_program_name(argv[0]);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
