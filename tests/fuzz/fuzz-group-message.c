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

/* What is said to switches of one source, or of the group, names it. */
static void
check_frame(const struct vmn_ip *source, const struct group_record *record,
            enum message kind)
{
    uint8_t frame[GROUP_FRAME_MAX];
    struct group_message again;
    size_t size = group_frame_build(kind, group_list_number(record), 0,
                                    source, &record->group, frame);

    check(size <= sizeof frame);
    check(group_message_parse(frame, size, true, &again));
    check(again.n == 1 && !again.is_query && !again.more && !again.over);
    check(again.records[0].wish == (kind == MESSAGE_LEAVE ? WISH_LEAVE
                                    : WISH_JOIN));
    check(!memcmp(&again.source, source, sizeof *source));
    check(!memcmp(&again.records[0].group, &record->group,
                  sizeof record->group));
}

static void
check_record(const struct group_message *message,
             const struct group_record *record, bool lists)
{
    bool has_list = record->wish != WISH_LEAVE && record->wish != WISH_JOIN;

    check(record->group.family == message->source.family);
    check(lists || !has_list);
    check(record->n_sources <= GROUP_SOURCES_MAX);
    check(has_list == (record->n_sources > 0));
    check_frame(&message->source, record, record->wish == WISH_LEAVE
                ? MESSAGE_LEAVE : MESSAGE_JOIN);
    for (size_t i = 0; i < record->n_sources; i++) {
        check(record->sources[i].family == record->group.family);
        check(!i || memcmp(record->sources[i - 1].addr,
                           record->sources[i].addr, 16) < 0);
        check_frame(&record->sources[i], record, MESSAGE_WANTED);
    }
}

/* A query that goes on without its sources is one still. */
static void
check_query(const struct group_query *query)
{
    uint8_t frame[GROUP_FRAME_MAX];
    struct group_message again;
    size_t size = group_query_build(query, frame);

    check(size <= sizeof frame);
    check(group_message_parse(frame, size, true, &again));
    check(again.is_query && !again.query.n_sources);
    check(!memcmp(&again.query.group, &query->group, sizeof query->group));
    check(again.query.response == query->response);
}

static void
check_message(const uint8_t *bytes, size_t size, bool lists)
{
    struct group_message message;

    if (!group_message_parse(bytes, size, lists, &message)) {
        return;
    }
    check(message.n <= GROUP_RECORDS_MAX);
    check(!message.is_query
          || (!message.n && !message.more && !message.over));
    check(message.source.family == 4 || message.source.family == 6);
    if (message.is_query) {
        check_query(&message.query);
    }
    for (size_t i = 0; i < message.n; i++) {
        check_record(&message, &message.records[i], lists);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where the frame does. */
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    check_message(copy, size, false);
    check_message(copy, size, true);
    free(copy);
    return 0;
}
