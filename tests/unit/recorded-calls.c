/* SPDX-License-Identifier: Apache-2.0
 *
 * The recording functions of an app's worker under other names, since a test
 * has those of vmnd as well; and what calls them.  See recorded-calls.h. */

#include <config.h>

/* One that is missing here is defined twice in the program. */
#define vmn_fail recorded_fail
#define vmn_flow_add recorded_flow_add
#define vmn_flow_count recorded_flow_count
#define vmn_flow_count_part recorded_flow_count_part
#define vmn_flow_log recorded_flow_log
#define vmn_match recorded_match
#define vmn_match_masked recorded_match_masked
#define vmn_match_mac recorded_match_mac
#define vmn_match_low_bits recorded_match_low_bits
#define vmn_match_prefix recorded_match_prefix
#define vmn_match_ip recorded_match_ip
#define vmn_flow_actions recorded_flow_actions
#define vmn_act_set recorded_act_set
#define vmn_act_set_masked recorded_act_set_masked
#define vmn_act_set_mac recorded_act_set_mac
#define vmn_act_set_ip recorded_act_set_ip
#define vmn_act_move recorded_act_move
#define vmn_act_move_bits recorded_act_move_bits
#define vmn_act_swap recorded_act_swap
#define vmn_act_dec_ttl recorded_act_dec_ttl
#define vmn_act_output recorded_act_output
#define vmn_act_output_field recorded_act_output_field
#define vmn_act_output_in_port recorded_act_output_in_port
#define vmn_act_clear_in_port recorded_act_clear_in_port
#define vmn_act_set_queue recorded_act_set_queue
#define vmn_act_pop_queue recorded_act_pop_queue
#define vmn_act_group recorded_act_group
#define vmn_act_group_id recorded_act_group_id
#define vmn_act_next recorded_act_next
#define vmn_act_goto recorded_act_goto
#define vmn_act_resubmit_next recorded_act_resubmit_next
#define vmn_act_resubmit recorded_act_resubmit
#define vmn_act_clone_next recorded_act_clone_next
#define vmn_act_clone recorded_act_clone
#define vmn_act_goto_hook recorded_act_goto_hook
#define vmn_act_jump recorded_act_jump
#define vmn_act_restart recorded_act_restart
#define vmn_act_drop recorded_act_drop
#define vmn_act_drop_background recorded_act_drop_background
#define vmn_act_arp_reply recorded_act_arp_reply
#define vmn_act_punt recorded_act_punt
#define vmn_act_learn_connection recorded_act_learn_connection
#define vmn_act_learn_neighbour recorded_act_learn_neighbour
#define vmn_act_find_neighbour recorded_act_find_neighbour
#define vmn_act_learn_mac recorded_act_learn_mac
#define vmn_act_find_mac recorded_act_find_mac
#define vmn_act_count_pair recorded_act_count_pair
#define vmn_act_learn_client recorded_act_learn_client
#define vmn_act_find_client recorded_act_find_client
#define vmn_act_learn_holder recorded_act_learn_holder
#define vmn_act_find_holder recorded_act_find_holder
#define vmn_act_learn_member recorded_act_learn_member
#define vmn_act_learn_source recorded_act_learn_source
#define vmn_act_find_member recorded_act_find_member
#define vmn_act_check_size recorded_act_check_size
#define vmn_act_hash_client recorded_act_hash_client
#define vmn_act_hash_connection recorded_act_hash_connection
#define vmn_act_limit recorded_act_limit
#define vmn_act_limit_kbps recorded_act_limit_kbps
#define vmn_act_copy recorded_act_copy
#define vmn_act_copy_to_port recorded_act_copy_to_port
#define vmn_act_copy_to_tunnel recorded_act_copy_to_tunnel
#define vmn_act_copy_to_same_family recorded_act_copy_to_same_family
#define vmn_act_ct recorded_act_ct
#define vmn_act_ct_snat_ports recorded_act_ct_snat_ports
#define vmn_act_conjunction recorded_act_conjunction
#define vmn_group_add recorded_group_add
#define vmn_bucket_add recorded_bucket_add
#define vmn_bucket_count_part recorded_bucket_count_part
#define vmn_bucket_watch recorded_bucket_watch
#define vmn_group_hash_client recorded_group_hash_client
#define vmn_arp_nd_respond recorded_arp_nd_respond
#define vmn_send_back recorded_send_back
#define vmn_send_to_port recorded_send_to_port
#define vmn_send_to_stage recorded_send_to_stage
#define vmn_send_to_next recorded_send_to_next
#define vmn_send_to_hook recorded_send_to_hook
#define vmn_send_nothing recorded_send_nothing
#define vmn_neighbour_is_incomplete recorded_neighbour_is_incomplete
#define vmn_neighbour_is_probed recorded_neighbour_is_probed
#define vmn_send_http recorded_send_http
#define vmn_count recorded_count
#define vmn_publish recorded_publish

/* What is renamed must be renamed everywhere. */
#include "controller/worker/record-calls.c"
#include "controller/worker/record-actions.c"
#include "tests/unit/random-calls.h"
#include "tests/unit/recorded-calls.h"

static struct recorder recorder;

static struct recorder *
begin_log(void)
{
    if (!recorder.emit.recorder) {
        recorder_init(&recorder);
    }
    record_begin(&recorder);
    return &recorder;
}

const void *
recorded_random_calls(uint32_t seed, size_t *size)
{
    random_calls(&begin_log()->emit, seed, NULL);
    return record_end(&recorder, size);
}

const void *
recorded_random_sends(uint32_t seed, size_t *size)
{
    random_sends(&begin_log()->packets, seed, NULL);
    return record_end(&recorder, size);
}

const void *
recorded_usual_flows(int n, size_t *size)
{
    usual_flows(&begin_log()->emit, n);
    return record_end(&recorder, size);
}

const void *
recorded_null(size_t *size)
{
    struct vmn_flow *flow = vmn_flow_add(&begin_log()->emit, vmn_scope_all(),
                                         0, 0, 1);

    vmn_match_ip(flow, VMN_F_IPV4_SRC, NULL);
    vmn_act_ct(vmn_flow_actions(flow), NULL);
    return record_end(&recorder, size);
}

const void *
recorded_failure(size_t n, size_t *size)
{
    char *text = xmalloc(n + 1);

    memset(text, 'x', n);
    text[0] = '\n';
    text[1] = '\xff';
    text[n] = '\0';
    vmn_fail(&begin_log()->emit, "%s", text);
    vmn_fail(&recorder.emit, "another");
    free(text);
    return record_end(&recorder, size);
}

const void *
recorded_endless(size_t *size)
{
    begin_log();
    while (!recorder.log.closed) {
        vmn_flow_add(&recorder.emit, vmn_scope_all(), 0, 0, 1);
    }
    for (int i = 0; i < 1000; i++) {
        vmn_flow_add(&recorder.emit, vmn_scope_all(), 0, 0, 1);
    }
    return record_end(&recorder, size);
}

void
recorded_free(void)
{
    recorder_uninit(&recorder);
    memset(&recorder, 0, sizeof recorder);
}
