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
#define TEXT_MAX (64 * 1024)

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
        char *reason = xmemdup0(faults[i].reason, cut(faults[i].reason));

        json_object_put(all, faults[i].host, json_array_create_2(
            json_integer_create(faults[i].acked),
            json_string_create_nocopy(reason)));
    }
    text = n ? json_to_string(all, JSSF_SORT) : xstrdup("");
    json_destroy(all);
    return text;
}

/* Returns true if this is [ACKED, REASON], and then what it says. */
static bool
parse_fault(const struct json *json, struct cluster_fault *fault)
{
    const struct json *acked, *reason;

    if (json->type != JSON_ARRAY || json->array.n != 2) {
        return false;
    }
    acked = json->array.elems[0];
    reason = json->array.elems[1];
    if (acked->type != JSON_INTEGER || acked->integer < 0
        || reason->type != JSON_STRING
        || strlen(json_string(reason)) > REASON_MAX) {
        return false;
    }
    fault->acked = acked->integer;
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
