/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: messages of IGMP and MLD of guests
 * (apps/multicast/group-message.h).  What is found in them is within bounds,
 * and what is said of it to switches is understood as such a message. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/multicast/group-message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static void
check_record(const struct group_message *message,
             const struct group_record *record)
{
    uint8_t frame[GROUP_FRAME_MAX];
    struct group_message again;
    size_t size = group_frame_build(record->joins ? MESSAGE_JOIN
                                    : MESSAGE_LEAVE, &message->source,
                                    &record->group, frame);

    check(record->group.family == message->source.family);
    check(group_message_parse(frame, size, &again));
    check(again.n == 1 && !again.is_query && !again.more);
    check(again.records[0].joins == record->joins);
    check(!memcmp(&again.records[0].group, &record->group,
                  sizeof record->group));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where the frame does. */
    uint8_t *copy = malloc(size ? size : 1);
    struct group_message message;

    memcpy(copy, data, size);
    if (group_message_parse(copy, size, &message)) {
        check(message.n <= GROUP_RECORDS_MAX);
        check(!message.is_query || (!message.n && !message.more));
        check(message.source.family == 4 || message.source.family == 6);
        for (size_t i = 0; i < message.n; i++) {
            check_record(&message, &message.records[i]);
        }
    }
    free(copy);
    return 0;
}
