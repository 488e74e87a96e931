/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how packets are written as pcapng, and counted by vmnctl.  That
 * others read it is tests/system/test_capture.py, by tcpdump. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "controller/ctl/pcapng-count.h"
#include "controller/northbound/pcapng.h"
#include "openvswitch/ofpbuf.h"
#include "random.h"
#include "util.h"

static uint32_t
u32_at(const struct ofpbuf *b, size_t ofs)
{
    uint32_t value;

    assert_true(ofs + sizeof value <= b->size);
    memcpy(&value, (const char *) b->data + ofs, sizeof value);
    return value;
}

/* Returns where the next block begins; each says its length twice. */
static size_t
next_block(const struct ofpbuf *b, size_t ofs, uint32_t type)
{
    uint32_t size = u32_at(b, ofs + 4);

    assert_int_equal(u32_at(b, ofs), type);
    assert_int_equal(size % 4, 0);
    assert_int_equal(u32_at(b, ofs + size - 4), size);
    return ofs + size;
}

/* One interface, 'n' packets of 'size' bytes of 1,000, and what was left
 * out. */
static void
put_file(struct ofpbuf *b, size_t n, uint32_t size, uint64_t n_dropped)
{
    static const uint8_t bytes[1000] = { 1, 2, 3 };

    pcapng_put_section(b, "test");
    pcapng_put_interface(b, "web-1", "h1");
    for (size_t i = 0; i < n; i++) {
        pcapng_put_packet(b, &(struct pcapng_packet) {
            .time_us = INT64_C(0x123456789ab), .outbound = i % 2 == 0,
            .bytes = bytes, .size = size, .full_size = 1000 });
    }
    pcapng_put_statistics(b, &(struct pcapng_statistics) {
        .start_us = 1, .end_us = 2, .n_received = n + n_dropped,
        .n_dropped = n_dropped });
}

static void
blocks_are_as_the_format_says(void **state OVS_UNUSED)
{
    /* Each number of bytes of padding. */
    for (uint32_t size = 60; size < 64; size++) {
        struct ofpbuf b;
        size_t ofs;

        ofpbuf_init(&b, 0);
        put_file(&b, 2, size, 3);
        assert_int_equal(u32_at(&b, 8), 0x1a2b3c4d);
        ofs = next_block(&b, 0, 0x0a0d0d0a);
        ofs = next_block(&b, ofs, 1);
        for (unsigned i = 0; i < 2; i++) {
            size_t options = ofs + 28 + 64;

            assert_int_equal(u32_at(&b, ofs + 8), 0);
            assert_int_equal(u32_at(&b, ofs + 12), 0x123);
            assert_int_equal(u32_at(&b, ofs + 16), 0x456789ab);
            assert_int_equal(u32_at(&b, ofs + 20), size);
            assert_int_equal(u32_at(&b, ofs + 24), 1000);
            if (size == 60) {
                options -= 4;
            }
            assert_int_equal(u32_at(&b, options), 4 << 16 | 2);
            assert_int_equal(u32_at(&b, options + 4), i ? 1 : 2);
            ofs = next_block(&b, ofs, 6);
        }
        assert_int_equal(next_block(&b, ofs, 5), b.size);
        ofpbuf_uninit(&b);
    }
}

/* However the stream is cut into pieces. */
static void
packets_are_counted(void **state OVS_UNUSED)
{
    static const size_t pieces[] = { 1, 3, 8, 100, 5000, 100000 };
    struct ofpbuf b;

    ofpbuf_init(&b, 0);
    put_file(&b, 70, 1000, 7);
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        struct pcapng_count count = { .n_packets = 0 };

        for (size_t ofs = 0; ofs < b.size; ofs += pieces[i]) {
            pcapng_count(&count, (const char *) b.data + ofs,
                         MIN(pieces[i], b.size - ofs));
        }
        assert_int_equal(count.n_packets, 70);
        assert_int_equal(count.n_dropped, 7);
        assert_true(count.has_statistics);
        assert_false(count.is_bad);
    }
    ofpbuf_uninit(&b);
}

/* Whatever it is, it is read within what there is. */
static void
rubbish_counts_for_nothing(void **state OVS_UNUSED)
{
    uint8_t bytes[400];

    for (unsigned n = 0; n < 20000; n++) {
        struct pcapng_count count = { .n_packets = 0 };
        uint32_t head[2] = { 5 + random_range(2), 4 * random_range(100) };

        random_bytes(bytes, sizeof bytes);
        if (n % 2) {
            memcpy(bytes, head, sizeof head);
            /* Options of any length. */
            bytes[22] = random_range(40);
            bytes[23] = random_range(2);
        }
        pcapng_count(&count, bytes, sizeof bytes);
    }
    struct pcapng_count count = { .n_packets = 0 };
    uint32_t head[2] = { 6, 11 };

    pcapng_count(&count, head, sizeof head);
    assert_true(count.is_bad);
    assert_int_equal(count.n_packets, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_as_the_format_says),
        cmocka_unit_test(packets_are_counted),
        cmocka_unit_test(rubbish_counts_for_nothing),
    };

    random_init();
    random_set_seed(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
