/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of faults of hosts; see cluster-faults.h. */

#include <config.h>

#include "controller/cluster/cluster-faults.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "util.h"

/* Longest reason, and longest text of a member's that is read. */
#define REASON_MAX 240
#define TEXT_MAX (1024 * 1024)
/* In place of a reason that is one too many. */
#define MORE "its switch rejects something"

/* Returns the length of as much of 'text' as fits, without a part of a UTF-8
 * character at its end. */
static size_t
cut(const char *text)
{
    size_t n = strlen(text);

    if (n > REASON_MAX) {
        n = REASON_MAX;
        while (n && (text[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    return n;
}

char *
cluster_faults_print(const struct cluster_fault *faults, size_t n)
{
    struct json *all = json_object_create();
    char *text;

    for (size_t i = 0; i < n && i < CLUSTER_FAULTS_MAX; i++) {
        const char *reason = (i < CLUSTER_REASONS_MAX || !*faults[i].reason
                              ? faults[i].reason : MORE);

        json_object_put(all, faults[i].host, json_array_create_3(
            json_integer_create(faults[i].acked),
            json_integer_create(faults[i].revision),
            json_string_create_nocopy(xmemdup0(reason, cut(reason)))));
    }
    text = n ? json_to_string(all, JSSF_SORT) : xstrdup("");
    json_destroy(all);
    return text;
}

/* Returns true if this is [ACKED, REVISION, REASON], and then what it says. */
static bool
parse_fault(const struct json *json, struct cluster_fault *fault)
{
    const struct json *acked, *revision, *reason;

    if (json->type != JSON_ARRAY || json->array.n != 3) {
        return false;
    }
    acked = json->array.elems[0];
    revision = json->array.elems[1];
    reason = json->array.elems[2];
    if (acked->type != JSON_INTEGER || acked->integer < 0
        || revision->type != JSON_INTEGER || revision->integer < 0
        || reason->type != JSON_STRING
        || strlen(json_string(reason)) > REASON_MAX) {
        return false;
    }
    fault->acked = acked->integer;
    fault->revision = revision->integer;
    fault->reason = json_string(reason);
    return true;
}

void
cluster_faults_parse(const char *text, cluster_fault_cb *cb, void *aux)
{
    struct json *all = (*text && strlen(text) <= TEXT_MAX
                        ? json_from_string(text) : NULL);
    const struct shash_node *node;

    if (all && all->type == JSON_OBJECT
        && shash_count(json_object(all)) <= CLUSTER_FAULTS_MAX) {
        SHASH_FOR_EACH (node, json_object(all)) {
            struct cluster_fault fault = { .host = node->name };

            if (parse_fault(node->data, &fault)) {
                cb(aux, &fault);
            }
        }
    }
    json_destroy(all);
}
