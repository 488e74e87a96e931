/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches are encoded to the bytes that libopenvswitch encodes them to. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/flow/emit.h"
#include "controller/flow/oxm.h"
#include "flow.h"
#include "nx-match.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofpbuf.h"
#include "random.h"
#include "util.h"

#define SEED 20261120
#define N_MATCHES 250000

static void
check(const struct match *match, uint64_t matched)
{
    struct ofpbuf ours, theirs;

    ofpbuf_init(&ours, 0);
    ofpbuf_init(&theirs, 0);
    oxm_put(&ours, match, matched);
    oxm_put_match(&theirs, match, OFP15_VERSION);
    if (!ofpbuf_equal(&ours, &theirs)) {
        char *text = match_to_string(match, NULL, OFP_DEFAULT_PRIORITY);

        fprintf(stderr, "%s\n", text);
        free(text);
        assert_int_equal(ours.size, theirs.size);
        assert_memory_equal(ours.data, theirs.data, theirs.size);
    }
    ofpbuf_uninit(&ours);
    ofpbuf_uninit(&theirs);
}

/* Mostly all bits or few; at times none. */
static void
random_mask(union mf_value *mask, size_t n_bytes)
{
    uint32_t kind = random_range(4);

    memset(mask, kind ? 0xff : 0, sizeof *mask);
    for (size_t i = 0; kind == 1 && i < n_bytes; i++) {
        ((uint8_t *) mask)[i] = random_range(2) ? random_uint8() : 0;
    }
}

static void
match_field(struct match *match, uint64_t *matched, enum vmn_field field)
{
    const struct mf_field *mf = field_get(field);
    union mf_value value, mask;
    char *error = NULL;

    if (!mf_are_match_prereqs_ok(mf, match)) {
        return;
    }
    random_bytes(&value, sizeof value);
    random_mask(&mask, mf->n_bytes);
    for (size_t i = 0; i < mf->n_bytes; i++) {
        ((uint8_t *) &value)[i] &= ((uint8_t *) &mask)[i];
    }
    if (field == VMN_F_IN_PORT) {
        value.be32 = htonl(1 + random_range(65000));
    }
    if (field == VMN_F_IPV6_LABEL) {
        value.be32 &= htonl(0xfffff);
        mask.be32 &= htonl(0xfffff);
    }
    if (mf->n_bits < 8 * mf->n_bytes && mf->n_bytes == 1) {
        value.u8 &= (1u << mf->n_bits) - 1;
        mask.u8 &= (1u << mf->n_bits) - 1;
    }
    if (mf_is_value_valid(mf, &value)
        && (mf->maskable == MFM_NONE || mf_is_mask_valid(mf, &mask))) {
        mf_set(mf, &value, mf->maskable == MFM_NONE ? NULL : &mask, match,
               &error);
        *matched |= OXM_BIT(field);
    }
    free(error);
}

/* No unit's flow gets further without. */
static bool
has_prereqs(const struct match *match, uint64_t matched)
{
    for (int f = 0; f < VMN_N_FIELDS; f++) {
        if (matched & OXM_BIT(f)
            && !mf_are_match_prereqs_ok(field_get(f), match)) {
            return false;
        }
    }
    return true;
}

static void
oxm_put_writes_what_libopenvswitch_does(void **state OVS_UNUSED)
{
    static const uint16_t eth_types[] = {
        0x0800, 0x0800, 0x0806, 0x86dd, 0x86dd, 0x86dd, 0x8847, 0x8035,
        0x05ff
    };
    static const uint8_t protos[] = { 6, 17, 1, 58, 58, 58, 132, 99 };
    unsigned n_fields[VMN_N_FIELDS] = { 0 };

    random_set_seed(SEED);
    for (int i = 0; i < N_MATCHES; i++) {
        struct match match;
        uint64_t matched = 0;

        match_init_catchall(&match);
        if (random_range(4)) {
            match_set_dl_type(&match, htons(eth_types[random_range(
                ARRAY_SIZE(eth_types))]));
            if (is_ip_any(&match.flow) && random_range(2)) {
                match_set_nw_proto(&match, protos[random_range(
                    ARRAY_SIZE(protos))]);
            }
            if (is_icmpv6(&match.flow, NULL) && random_range(4)) {
                match_set_icmp_type(&match, random_range(2)
                                    ? VMN_ND_SOLICIT : VMN_ND_ADVERT);
                matched |= OXM_BIT(VMN_F_ICMPV6_TYPE);
            }
        }
        if (!random_range(3)) {
            match_set_ct_state_masked(&match, 0x22, 0x22);
            matched |= OXM_BIT(VMN_F_CT_STATE);
        }
        if (!random_range(3)) {
            match_field(&match, &matched, VMN_F_CT_NW_PROTO);
        }
        for (int n = random_range(8); n > 0; n--) {
            match_field(&match, &matched, random_range(VMN_N_FIELDS));
        }
        if (!has_prereqs(&match, matched)) {
            continue;
        }
        check(&match, matched);
        check(&match, OXM_ANY_FIELD);
        for (int f = 0; f < VMN_N_FIELDS; f++) {
            n_fields[f] += (matched & OXM_BIT(f)) != 0;
        }
    }
    for (int f = 0; f < VMN_N_FIELDS; f++) {
        if (n_fields[f] <= 100) {
            fail_msg("%s: %u matches", field_get(f)->name, n_fields[f]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oxm_put_writes_what_libopenvswitch_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
