/* SPDX-License-Identifier: Apache-2.0
 *
 * Attacks by those who choose what is in objects: each test is named for what
 * the attacker wants, and shows that he fails. */

#include <config.h>

#include "tests/unit/toy-app.h"

#include <string.h>

#include "controller/flow/flow-item.h"
#include "hash.h"
#include "openflow/openflow.h"
#include "openvswitch/vlog.h"
#include "util.h"

/* Two contents of one hash.  ---------------------------------------------- */

/* MurmurHash3 (x64, 128 bits), by which items were compared, takes blocks of
 * two words, each mixed by steps that can be undone, into two sums.  A
 * difference in the highest bit of a sum passes through additions and the
 * multiplication by 5 as it is.  So three words of two addresses can be
 * changed such that all differences cancel out, whatever the hash begins with
 * and whatever else is hashed.  (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", section 7, have the idea.) */

#define C1 UINT64_C(0x87c37b91114253d5)
#define C2 UINT64_C(0x4cf5ad432745937f)

static uint64_t
rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* The multiplicative inverse of an odd number, by Newton's method. */
static uint64_t
invert(uint64_t x)
{
    uint64_t y = x;

    for (int i = 0; i < 5; i++) {
        y *= 2 - x * y;
    }
    return y;
}

/* Changes the first word of a block such that 'bit' of what is mixed in is
 * another. */
static uint64_t
flip_first(uint64_t word, int bit)
{
    uint64_t mixed = rotate(word * C1, 31) * C2 ^ UINT64_C(1) << bit;

    return rotate(mixed * invert(C2), 64 - 31) * invert(C1);
}

/* The same of the second, of all 'bits'. */
static uint64_t
flip_second(uint64_t word, uint64_t bits)
{
    uint64_t mixed = rotate(word * C2, 33) * C1 ^ bits;

    return rotate(mixed * invert(C1), 64 - 33) * invert(C2);
}

/* The two addresses that the app below sets, of which the first begins a
 * block, and eight bytes that are not ours come between them. */
static struct vmn_ip source, target;

static void
replace_by_equal_hash(void)
{
    uint64_t words[4];

    memcpy(&words[0], source.addr, 16);
    memcpy(&words[2], target.addr, 16);
    words[1] = flip_second(words[1], UINT64_C(1) << 32);
    words[2] = flip_second(words[2], UINT64_C(1) << 63 | UINT64_C(1) << 32);
    words[3] = flip_first(words[3], 63);
    memcpy(source.addr, &words[0], 16);
    memcpy(target.addr, &words[2], 16);
}

/* An app that has a flow for each port, with both addresses. */

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0, 10);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (vmn_labels_get(vmn_labels_of(view, &port->row), "role")) {
        vmn_match(flow, VMN_F_ETH_TYPE, 0x86dd);
        vmn_match(flow, VMN_F_TUN_ID, 1); /* Has the source begin a block. */
        vmn_act_set_ip(actions, VMN_F_IPV6_SRC, &source);
        vmn_act_set_ip(actions, VMN_F_IPV6_DST, &target);
        vmn_act_goto(actions, 0, 1);
    }
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

static bool
has_address(const struct flow_item *item, const struct vmn_ip *ip)
{
    return memmem(item->add, item->add_size, ip->addr, 16);
}

/* What is added and has both addresses, or NULL.  The delta's. */
static const struct flow_item *
find_added(const struct engine_delta *delta)
{
    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct flow_item *item = delta->changes[i].item;

        if (delta->changes[i].added && has_address(item, &source)
            && has_address(item, &target)) {
            return item;
        }
    }
    return NULL;
}

/* MurmurHash3 of what a flow is. */
static uint64_t
hash_of(const struct flow_item *item)
{
    const struct ofp_header *oh = flow_item_message(item);
    ovs_u128 hash;

    hash_bytes128(oh + 1, ntohs(oh->length) - sizeof *oh, item->kind, &hash);
    return hash.u64.lo;
}

/* A state with a flow, and the same with another one of equal hash in its
 * place. */
struct forgery {
    struct toy toy;
    struct engine_delta *first, *second;
    const struct flow_item *before, *after;
    uint64_t digest_before, digest_after; /* Of all that a host holds. */
};

static int
setup(void **state)
{
    static struct forgery forgery;
    struct forgery *f = *state = &forgery;

    source = (struct vmn_ip) { .family = 6, .addr = { 0xfd, [15] = 1 } };
    target = (struct vmn_ip) { .family = 6, .addr = { 0xfd, [15] = 2 } };
    toy_init(&f->toy, &app, NULL);
    toy_edit(&f->toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&f->toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&f->toy, VMN_TABLE_PORT, "p", toy_port("net", "a"));
    f->first = toy_run(&f->toy);
    f->before = find_added(f->first);
    assert_non_null(f->before);
    f->digest_before = engine_host_digest(f->toy.engine, "h1");

    replace_by_equal_hash();
    toy_edit(&f->toy, VMN_TABLE_PORT, "p", toy_port("net", "b"));
    f->second = toy_run(&f->toy);
    f->after = find_added(f->second);
    f->digest_after = engine_host_digest(f->toy.engine, "h1");
    return 0;
}

static int
teardown(void **state)
{
    struct forgery *f = *state;

    engine_delta_destroy(f->first);
    engine_delta_destroy(f->second);
    toy_uninit(&f->toy);
    return 0;
}

/* A tenant chooses addresses such that a flow that lets through, or lets to
 * somewhere else, has the hash of the one that hosts hold. */
static void
flow_of_equal_hash_stays_in_place_of_another(void **state)
{
    struct forgery *f = *state;

    assert_non_null(f->after);
    /* Or else this test shows nothing. */
    assert_true(hash_of(f->before) == hash_of(f->after));
}

/* ... while a host is away, such that it is taken for one that holds all. */
static void
host_that_comes_back_is_not_told_of_a_change(void **state)
{
    struct forgery *f = *state;

    assert_true(hash_of(f->before) == hash_of(f->after));
    assert_true(f->digest_before != f->digest_after);
}

/* Should a tenant come to know the key, bytes are compared all the same. */
static void
flow_of_equal_digest_is_taken_for_another(void **state)
{
    struct forgery *f = *state;
    struct flow_item forged = *f->after;

    forged.digest = f->before->digest;
    assert_false(flow_item_equal(f->before, &forged));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(flow_of_equal_hash_stays_in_place_of_another),
        TEST(host_that_comes_back_is_not_told_of_a_change),
        TEST(flow_of_equal_digest_is_taken_for_another),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests_name("attacks-api", tests, NULL, NULL);
}
