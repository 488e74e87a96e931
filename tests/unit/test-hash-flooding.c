/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables whose keys an attacker chooses, by the published hash of
 * libopenvswitch: his keys cost no more than other keys.  Comparisons are
 * counted, not time. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/flow/flow-item.h"
#include "controller/model/model.h"
#include "controller/siphash.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "simap.h"
#include "smap.h"
#include "sset.h"
#include "tests/unit/model-fixture.h"
#include "util.h"
#include "uuid.h"

#define N_KEYS 900
#define KEY_LEN 12

/* A chain of a table with as many random keys is shorter. */
#define CHAIN_MAX 16

/* Of libopenvswitch, as it was without the linker's --wrap. */
uint32_t __real_hash_bytes(const void *, size_t, uint32_t basis);

static uint64_t n_comparisons;

int __real_strcmp(const char *, const char *);
int __wrap_strcmp(const char *, const char *);
int
__wrap_strcmp(const char *a, const char *b)
{
    n_comparisons++;
    return __real_strcmp(a, b);
}

/* Colliding keys.  -------------------------------------------------------- */

static uint32_t
invert(uint32_t x)
{
    uint32_t y = x;

    for (int i = 0; i < 5; i++) {
        y *= 2 - x * y;
    }
    return y;
}

/* Returns the word by which mhash_add() takes 'hash' to 'goal'. */
static uint32_t
solve(uint32_t hash, uint32_t goal)
{
    uint32_t added = hash_rot((goal - 0xe6546b64) * invert(5), 32 - 13);
    uint32_t mixed = (added ^ hash) * invert(0x1b873593);

    return hash_rot(mixed, 32 - 15) * invert(0xcc9e2d51);
}

static bool
is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789", text[i]) || !text[i]) {
            return false;
        }
    }
    return true;
}

/* Sets 'keys' to label keys after which the published hash, from 'basis', is
 * in the same state: whatever follows, they collide. */
static void
make_colliding(char keys[N_KEYS][KEY_LEN + 1], uint32_t basis)
{
    size_t n = 0;

    for (unsigned i = 0; n < N_KEYS; i++) {
        char *key = keys[n];
        uint32_t hash = basis, word;

        snprintf(key, KEY_LEN + 1, "x%07x", i);
        for (size_t j = 0; j < KEY_LEN - 4; j += 4) {
            memcpy(&word, key + j, 4);
            hash = mhash_add(hash, word);
        }
        word = solve(hash, 1234567);
        memcpy(key + KEY_LEN - 4, &word, 4);
        key[KEY_LEN] = '\0';
        n += is_text(key + KEY_LEN - 4, 4);
    }
    for (size_t i = 0; i < N_KEYS; i++) {
        assert_int_equal(__real_hash_bytes(keys[i], KEY_LEN, basis),
                         __real_hash_bytes(keys[0], KEY_LEN, basis));
    }
}

/* Tables of libopenvswitch.  ---------------------------------------------- */

static size_t
longest_chain(const struct hmap *map)
{
    size_t longest = 0;

    for (size_t i = 0; i <= map->mask; i++) {
        size_t n = 0;

        for (const struct hmap_node *node = map->buckets[i]; node;
             node = node->next) {
            n++;
        }
        longest = MAX(longest, n);
    }
    return longest;
}

static void
colliding_texts_are_apart_in_each_table(void **state OVS_UNUSED)
{
    static char keys[N_KEYS][KEY_LEN + 1];
    struct shash shash = SHASH_INITIALIZER(&shash);
    struct simap simap = SIMAP_INITIALIZER(&simap);
    struct smap smap = SMAP_INITIALIZER(&smap);
    struct sset sset = SSET_INITIALIZER(&sset);

    make_colliding(keys, 0);
    for (size_t i = 0; i < N_KEYS; i++) {
        shash_add(&shash, keys[i], NULL);
        simap_put(&simap, keys[i], i);
        smap_add(&smap, keys[i], "");
        sset_add(&sset, keys[i]);
    }
    assert_true(longest_chain(&shash.map) < CHAIN_MAX);
    assert_true(longest_chain(&simap.map) < CHAIN_MAX);
    assert_true(longest_chain(&smap.map) < CHAIN_MAX);
    assert_true(longest_chain(&sset.map) < CHAIN_MAX);
    shash_destroy(&shash);
    simap_destroy(&simap);
    smap_destroy(&smap);
    sset_destroy(&sset);
}

/* A host chooses the UUIDs of its database's rows. */
static void
rows_of_alike_uuids_are_apart(void **state OVS_UNUSED)
{
    unsigned buckets[1024] = { 0 };

    for (unsigned i = 0; i < N_KEYS; i++) {
        const struct uuid uuid = { { 7, i, i, i } };

        assert_true(++buckets[uuid_hash(&uuid) % 1024] < CHAIN_MAX);
    }
}

/* The model.  ------------------------------------------------------------- */

/* Returns how many texts were compared while ports came, each with one of
 * 'keys' as its label. */
static uint64_t
count_of_labels(struct model *model, char keys[N_KEYS][KEY_LEN + 1])
{
    struct ds text = DS_EMPTY_INITIALIZER;
    uint64_t before;

    apply(model, "put networks f {'subnets':[{'cidr':'10.64.0.0/16'}]}", "");
    for (size_t i = 0; i < N_KEYS; i++) {
        ds_put_format(&text, "%sput ports f%"PRIuSIZE" {'network':'f',"
                      "'labels':{'%s':'v'}}", i ? "\n" : "", i, keys[i]);
    }
    before = n_comparisons;
    apply(model, ds_cstr(&text), "");
    ds_destroy(&text);
    return n_comparisons - before;
}

static void
colliding_labels_cost_no_more_than_others(void **state)
{
    static char keys[N_KEYS][KEY_LEN + 1];
    uint64_t n_colliding, n_other;

    make_colliding(keys, VMN_INDEX_PORT_BY_LABEL);
    n_colliding = count_of_labels(*state, keys);
    model_teardown(state);
    model_setup(state);
    for (size_t i = 0; i < N_KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "plain%"PRIuSIZE, i);
    }
    n_other = count_of_labels(*state, keys);
    print_message("%"PRIu64" comparisons of colliding keys, %"PRIu64" of"
                  " others\n", n_colliding, n_other);
    assert_true(n_colliding < n_other + n_other / 4);
}

/* The engine.  ------------------------------------------------------------ */

#define SAME_BITS 0x3ff

/* The cookie of a name is public, so an attacker tries names until some bits
 * of their cookies are the same. */
static void
names_of_alike_cookies_are_apart(void **state OVS_UNUSED)
{
    unsigned buckets[SAME_BITS + 1] = { 0 };
    uint64_t wanted = flow_owner_cookie("overlay.port/a") & SAME_BITS;
    size_t n = 0;

    for (unsigned i = 0; n < N_KEYS; i++) {
        char name[32];
        uint64_t cookie;

        snprintf(name, sizeof name, "overlay.port/%u", i);
        cookie = flow_owner_cookie(name);
        if ((cookie & SAME_BITS) == wanted) {
            unsigned *bucket = &buckets[flow_key_hash(cookie) & SAME_BITS];

            assert_true(++*bucket < CHAIN_MAX);
            n++;
        }
    }
}

static void
keys_of_two_processes_differ(void **state OVS_UNUSED)
{
    const uint8_t bytes[] = { 10, 0, 0, 1 };

    assert_int_equal(hash_bytes(bytes, sizeof bytes, 7),
                     (uint32_t) keyed_hash64(bytes, sizeof bytes, 7));
    assert_int_not_equal(keyed_hash64(bytes, sizeof bytes, 7),
                         stable_hash64(bytes, sizeof bytes, 7));
    assert_int_not_equal(keyed_hash64(bytes, sizeof bytes, 7),
                         keyed_hash64(bytes, sizeof bytes, 8));
    /* The same of all versions: hosts have such numbers. */
    assert_true(stable_hash64("overlay.net/shop", 16, 0)
                == UINT64_C(0x3be837a0b861bdd7));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colliding_texts_are_apart_in_each_table),
        cmocka_unit_test(rows_of_alike_uuids_are_apart),
        cmocka_unit_test_setup_teardown(
            colliding_labels_cost_no_more_than_others, model_setup,
            model_teardown),
        cmocka_unit_test(names_of_alike_cookies_are_apart),
        cmocka_unit_test(keys_of_two_processes_differ),
    };

    return cmocka_run_group_tests_name("hash-flooding", tests, NULL, NULL);
}
