/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifies a host that connects to vmnd, before an OVSDB client is created
 * for it.  Only the messages: ovsdb-listener.c sends and receives them. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "util.h"

#define IDENTIFY_ID "vmn-id"

/* Returns the request for external_ids of the only Open_vSwitch row.  The
 * caller frees it. */
char *
ovsdb_identify_question(void)
{
    return xstrdup("{\"id\":\"" IDENTIFY_ID "\",\"method\":\"transact\","
                   "\"params\":[\"Open_vSwitch\",{\"op\":\"select\","
                   "\"table\":\"Open_vSwitch\",\"where\":[],"
                   "\"columns\":[\"external_ids\"]}]}");
}

/* Returns element 'i' of 'json', or NULL if that is no array, or shorter. */
static const struct json *
element(const struct json *json, size_t i)
{
    return (json && json->type == JSON_ARRAY && i < json->array.n
            ? json->array.elems[i] : NULL);
}

/* Returns member 'name' of 'json', or NULL if that is no object, or lacks
 * it. */
static const struct json *
member(const struct json *json, const char *name)
{
    return (json && json->type == JSON_OBJECT
            ? shash_find_data(json->object, name) : NULL);
}

static bool
is_string(const struct json *json, const char *s)
{
    return json && json->type == JSON_STRING && !strcmp(json->string, s);
}

/* Returns the system-id in the result of our request, or NULL. */
static const char *
identify_system_id(const struct json *result)
{
    const struct json *rows = member(element(result, 0), "rows");
    const struct json *ids = member(element(rows, 0), "external_ids");
    const struct json *pairs = element(ids, 1);

    if (!is_string(element(ids, 0), "map")) {
        return NULL;
    }
    for (size_t i = 0; element(pairs, i); i++) {
        const struct json *pair = element(pairs, i);
        const struct json *value = element(pair, 1);

        if (is_string(element(pair, 0), "system-id") && value
            && value->type == JSON_STRING) {
            return value->string;
        }
    }
    return NULL;
}

static enum ovsdb_id_kind
identify_msg(const struct jsonrpc_msg *msg, char **text)
{
    const char *id;

    if (msg->type == JSONRPC_REQUEST && !strcmp(msg->method, "echo")) {
        struct jsonrpc_msg *reply;
        struct json *json;

        reply = jsonrpc_create_reply(json_clone(msg->params), msg->id);
        json = jsonrpc_msg_to_json(reply);
        *text = json_to_string(json, JSSF_SORT);
        json_destroy(json);
        return OVSDB_ID_ECHO;
    }
    if (!is_string(msg->id, IDENTIFY_ID)) {
        return OVSDB_ID_OTHER;
    }
    id = msg->type == JSONRPC_REPLY ? identify_system_id(msg->result) : NULL;
    if (!id || !*id) {
        *text = xstrdup("it has no external_ids:system-id in Open_vSwitch");
        return OVSDB_ID_BAD;
    }
    *text = xstrdup(id);
    return OVSDB_ID_ANSWER;
}

/* Returns what kind 'message', a whole one, is.  The caller frees '*text',
 * which is NULL for OVSDB_ID_OTHER. */
enum ovsdb_id_kind
ovsdb_identify_parse(const char *message, char **text)
{
    struct json *json = json_from_string(message);
    struct jsonrpc_msg *msg;
    enum ovsdb_id_kind kind;

    *text = NULL;
    if (json->type == JSON_STRING) {    /* The parser's way to report
                                         * errors. */
        *text = xasprintf("it sends bad JSON: %s", json->string);
        json_destroy(json);
        return OVSDB_ID_BAD;
    }
    *text = jsonrpc_msg_from_json(json, &msg);
    if (*text) {
        char *error = *text;

        *text = xasprintf("it sends bad JSON-RPC: %s", error);
        free(error);
        return OVSDB_ID_BAD;
    }
    kind = identify_msg(msg, text);
    jsonrpc_msg_destroy(msg);
    return kind;
}
