/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the keyed hash. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "controller/siphash.h"
#include "openvswitch/vlog.h"
#include "util.h"

/* The message of test vectors is that of the key, and goes on. */
static uint8_t key_bytes[SIPHASH_KEY_SIZE], message[1024];

static int
setup(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < sizeof key_bytes; i++) {
        key_bytes[i] = i;
    }
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = i;
    }
    return 0;
}

/* Of the first 'size' bytes of the message, 8 at least. */
static uint64_t
hash_of(size_t size)
{
    struct siphash_key key;

    siphash_key_init(&key, key_bytes);
    return siphash24(&key, UINT64_C(0x0706050403020100), message + 8,
                     size - 8);
}

static void
hash_is_that_of_the_paper(void **state OVS_UNUSED)
{
    /* Appendix A. */
    assert_true(hash_of(15) == UINT64_C(0xa129ca6149be45e5));
}

static void
hashes_are_those_of_openssl(void **state OVS_UNUSED)
{
    size_t hash_size = 8;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &hash_size),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);

    if (!mac) {
        skip();
    }
    for (size_t size = 8; size <= sizeof message; size++) {
        EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
        uint8_t hash[8];
        uint64_t x = 0;
        size_t n;

        assert_int_equal(EVP_MAC_init(ctx, key_bytes, sizeof key_bytes,
                                      params), 1);
        assert_int_equal(EVP_MAC_update(ctx, message, size), 1);
        assert_int_equal(EVP_MAC_final(ctx, hash, &n, sizeof hash), 1);
        EVP_MAC_CTX_free(ctx);
        assert_int_equal(n, sizeof hash);
        for (int i = 7; i >= 0; i--) {
            x = x << 8 | hash[i];
        }
        assert_true(x == hash_of(size));
    }
    EVP_MAC_free(mac);
}

static void
derived_keys_differ_by_purpose_and_master(void **state OVS_UNUSED)
{
    struct siphash_key master, a, again, b, other;

    siphash_key_init(&master, key_bytes);
    siphash_key_derive(&a, &master, "a");
    siphash_key_derive(&again, &master, "a");
    siphash_key_derive(&b, &master, "b");
    assert_memory_equal(&a, &again, sizeof a);
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_true(a.words[0] != a.words[1]);
    master.words[1] ^= 1;
    siphash_key_derive(&other, &master, "a");
    assert_memory_not_equal(&a, &other, sizeof a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_that_of_the_paper),
        cmocka_unit_test(hashes_are_those_of_openssl),
        cmocka_unit_test(derived_keys_differ_by_purpose_and_master),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests_name("siphash", tests, setup, NULL);
}
