/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a host, and of a port on it, the member alone knows that manages the
 * host: its audits, its meters of packet-ins, what it has given guests by
 * DHCP.  Whoever replies about one of them asks that member for it, for a
 * second, and says so if it gets no answer.  What this one knows itself is of
 * when it was the manager, and counts as far as it is newer.
 *
 * Not for what that member does in place of this one: such requests are passed
 * on to it (nb_ask_manager()). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/fabric-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(manager_part);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

#define ASK_MS 1000
/* Questions to one member that are under way; each may be a connection.  Who
 * wants to know more meanwhile is not told. */
#define ASKS_MAX 16
/* A member that did not answer is not asked for so long: who reads many
 * objects must not wait for each. */
#define FAILED_MS 3000
/* Elements of a list, of an answer and in a reply. */
#define LIST_MAX 16

/* Members of a status, and in what elements of a list differ; NULL: it is no
 * list.  The later one counts, by 'time', if both members have one. */
static const struct part {
    enum vmn_table table;
    const char *name, *key, *time;
} parts[] = {
    { VMN_TABLE_HOST, "audit", NULL, "time" },
    { VMN_TABLE_HOST, "packet_in_meters", NULL, NULL },
    { VMN_TABLE_PORT, "leases", "ip", "given" },
};

/* What is known here.  ---------------------------------------------------- */

static json_t *
make_status(const struct northbound *nb, enum vmn_table table,
            const char *name, struct arena *arena)
{
    if (table == VMN_TABLE_HOST) {
        struct status_host host;

        return (fabric_host_status(nb->fabric, name, arena, &host)
                ? schema_struct_to_json(schema_tables[table]->status, &host)
                : json_object());
    } else {
        struct status_port port = { .host = NULL };

        fabric_guest_status(nb->fabric, name, arena, &port);
        return schema_struct_to_json(schema_tables[table]->status, &port);
    }
}

/* Returns the parts of an object of 'table' that this member knows. */
static json_t *
make_own(const struct northbound *nb, enum vmn_table table, const char *name)
{
    json_t *own = json_object(), *status;
    struct arena arena;

    arena_init(&arena);
    status = make_status(nb, table, name, &arena);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        json_t *part = json_object_get(status, parts[i].name);

        if (parts[i].table == table && part) {
            json_object_set(own, parts[i].name, part);
        }
    }
    json_decref(status);
    arena_uninit(&arena);
    return own;
}

/* Returns the table that is named so, if it has parts; else VMN_N_TABLES. */
static enum vmn_table
find_table(const char *plural)
{
    for (size_t i = 0; plural && i < ARRAY_SIZE(parts); i++) {
        if (!strcmp(schema_tables[parts[i].table]->plural, plural)) {
            return parts[i].table;
        }
    }
    return VMN_N_TABLES;
}

const char *
nb_tell_part(const struct northbound *nb, const void *text, size_t size,
             char **answer)
{
    json_t *ask = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL), *own;
    const char *name = json_string_value(json_object_get(ask, "name"));
    enum vmn_table table = find_table(json_string_value(
        json_object_get(ask, "type")));

    *answer = NULL;
    if (!name || table == VMN_N_TABLES) {
        json_decref(ask);
        return "'type' or 'name' is none of what members ask for";
    }
    own = make_own(nb, table, name);
    *answer = json_dumps(own, JSON_COMPACT);
    json_decref(own);
    json_decref(ask);
    return NULL;
}

/* Putting together.  ------------------------------------------------------ */

/* Returns true if 'a' is later than 'b', by that member; or if there is no
 * 'b'. */
static bool
is_later(const json_t *a, const json_t *b, const char *name)
{
    const char *of_a = json_string_value(json_object_get(a, name));
    const char *of_b = json_string_value(json_object_get(b, name));

    return !b || (of_a && (!of_b || strcmp(of_a, of_b) > 0));
}

/* Returns the index of the list's element that has the same 'key'; the list's
 * size: there is none. */
static size_t
find(const json_t *list, const char *key, const json_t *element)
{
    size_t i = 0;

    while (i < json_array_size(list)
           && !json_equal(json_object_get(json_array_get(list, i), key),
                          json_object_get(element, key))) {
        i++;
    }
    return i;
}

/* Keeps the latest LIST_MAX of the list. */
static void
cut_list(const struct part *part, json_t *list)
{
    while (json_array_size(list) > LIST_MAX) {
        size_t oldest = 0;

        for (size_t i = 1; i < json_array_size(list); i++) {
            if (is_later(json_array_get(list, oldest),
                         json_array_get(list, i), part->time)) {
                oldest = i;
            }
        }
        json_array_remove(list, oldest);
    }
}

/* Adds what is in list 'from' to 'to'. */
static void
merge_list(const struct part *part, json_t *to, const json_t *from)
{
    json_t *element;
    size_t i;

    json_array_foreach (from, i, element) {
        size_t k = find(to, part->key, element);

        if (k >= json_array_size(to)) {
            json_array_append(to, element);
        } else if (is_later(element, json_array_get(to, k), part->time)) {
            json_array_set(to, k, element);
        }
    }
    cut_list(part, to);
}

/* Sets the parts in 'status', which has this member's, to those of the
 * manager; as far as they are not older. */
static void
merge(enum vmn_table table, json_t *status, const json_t *answer)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const struct part *part = &parts[i];
        json_t *own = json_object_get(status, part->name);
        json_t *theirs = json_object_get(answer, part->name);

        if (part->table != table) {
            continue;
        } else if (part->key && own && theirs) {
            merge_list(part, own, theirs);
        } else if (theirs && !(part->time
                               && is_later(own, theirs, part->time))) {
            json_object_set(status, part->name, theirs);
        } else if (!theirs && !part->time) {
            json_object_del(status, part->name);
        }
    }
}

/* Returns true if the answer of another process has the form that it has
 * here: it goes to clients. */
static bool
is_answer(enum vmn_table table, const json_t *answer)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const json_t *part = json_object_get(answer, parts[i].name);
        const json_t *element;
        size_t k;

        if (part && parts[i].table == table
            && (parts[i].key ? (!json_is_array(part)
                                || json_array_size(part) > LIST_MAX)
                : !json_is_object(part))) {
            return false;
        }
        if (parts[i].key && part) {
            json_array_foreach (part, k, element) {
                if (!json_is_object(element)) {
                    return false;
                }
            }
        }
    }
    return json_is_object(answer);
}

void
nb_merge_part(const struct nb_part *part, struct ds *ds)
{
    json_t *object = json_loadb(ds->string, ds->length, JSON_ALLOW_NUL,
                                NULL);
    json_t *status = json_object_get(object, "status");
    char *text;

    if (!status) {
        VLOG_WARN_RL(&rl, "what the manager of a host knows is left out of an "
                     "answer, which cannot be read");
        json_decref(object);
        return;
    }
    if (part->answer) {
        merge(part->table, status, part->answer);
    } else {
        json_object_set_new(status, "incomplete", json_string(part->why));
    }
    text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
    ds_clear(ds);
    ds_put_cstr(ds, text);
    free(text);
    json_decref(object);
}

/* Members.  --------------------------------------------------------------- */

/* A member that is asked, or did not answer a short while ago. */
struct part_manager {
    size_t n_asks;              /* Under way. */
    int64_t failed_ms;          /* When it did not answer, of time_msec(); 0:
                                 * it has since, or always. */
};

static bool
has_failed(const struct part_manager *manager)
{
    return (manager->failed_ms
            && time_msec() - manager->failed_ms < FAILED_MS);
}

/* Counts one more question to the member.  Returns NULL, or why it is not to
 * be asked now. */
static const char *
begin_ask(struct northbound *nb, const char *member)
{
    struct part_manager *manager = shash_find_data(&nb->part_managers, member);

    if (!manager) {
        manager = xzalloc(sizeof *manager);
        shash_add(&nb->part_managers, member, manager);
    }
    if (has_failed(manager)) {
        return "it did not answer a moment ago";
    } else if (manager->n_asks >= ASKS_MAX) {
        return "it is asked too much already";
    }
    manager->n_asks++;
    return NULL;
}

/* A question to the member has ended. */
static void
end_ask(struct northbound *nb, const char *member)
{
    struct shash_node *node = shash_find(&nb->part_managers, member);
    struct part_manager *manager = node->data;

    manager->n_asks--;
    if (!manager->n_asks && !has_failed(manager)) {
        free(manager);
        shash_delete(&nb->part_managers, node);
    }
}

static void
note_answer(struct northbound *nb, const char *member, bool answered)
{
    struct part_manager *manager = shash_find_data(&nb->part_managers, member);

    manager->failed_ms = answered ? 0 : time_msec();
}

void
nb_parts_uninit(struct northbound *nb)
{
    shash_destroy_free_data(&nb->part_managers);
}

/* Asking.  ---------------------------------------------------------------- */

/* A request that waits for the member. */
struct part_wait {
    struct northbound *nb;
    struct http_request *req;
    nb_part_cb *reply;
    char *member, *name;
    bool asked;                 /* There is no answer yet. */
    struct nb_part part;
};

static void
wait_free(struct part_wait *wait)
{
    json_decref(CONST_CAST(json_t *, wait->part.answer));
    free(wait->member);
    free(wait->name);
    free(wait);
}

/* No plan is applied now. */
static void
reply_cb(void *wait_)
{
    struct part_wait *wait = wait_;

    http_request_set_close_cb(wait->req, NULL, NULL);
    wait->reply(wait->req, wait->nb, &wait->part);
    wait_free(wait);
}

/* Says why there is no answer.  Who does not see hosts does not see members,
 * either. */
static void
set_why(struct part_wait *wait, const char *fault)
{
    if (nb_hides_hosts(nb_rights(wait->req))) {
        snprintf(wait->part.why, sizeof wait->part.why, "the member of the "
                 "cluster that manages the host does not say what it knows");
    } else {
        snprintf(wait->part.why, sizeof wait->part.why, "member \"%s\", which "
                 "manages the host, does not say what it knows: %s",
                 wait->member, fault);
    }
}

static void
end_wait(struct part_wait *wait)
{
    if (commit_is_trying(wait->nb->commit)) {
        commit_when_quiescent(wait->nb->commit, reply_cb, wait);
    } else {
        reply_cb(wait);
    }
}

static void
answered_cb(void *wait_, int status, const void *body, size_t size,
            const char *fault)
{
    struct part_wait *wait = wait_;
    json_t *answer = (status == 200
                      ? json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL)
                      : NULL);

    if (is_answer(wait->part.table, answer)) {
        wait->part.answer = answer;
    } else {
        json_decref(answer);
        set_why(wait, !status ? fault : status == 200 ? "its answer is none"
                : "it is of another version, or cannot do it now");
    }
    note_answer(wait->nb, wait->member, status != 0);
    wait->asked = false;
    end_ask(wait->nb, wait->member);
    end_wait(wait);
}

static void
disconnected_cb(void *wait_)
{
    struct part_wait *wait = wait_;

    if (wait->asked) {
        cluster_forget_asked(wait->nb->cluster, answered_cb, wait);
        end_ask(wait->nb, wait->member);
    }
    commit_cancel_when_quiescent(wait->nb->commit, reply_cb, wait);
    http_request_drop(wait->req);
    wait_free(wait);
}

static char *
print_ask(enum vmn_table table, const char *name)
{
    json_t *ask = json_pack("{s:s, s:s}", "type", schema_tables[table]->plural,
                            "name", name);
    char *text = json_dumps(ask, JSON_COMPACT);

    json_decref(ask);
    return text;
}

/* Asks, unless that cannot be: then there is no answer. */
static void
ask_member(struct part_wait *wait)
{
    struct northbound *nb = wait->nb;
    const char *why = begin_ask(nb, wait->member);
    char *ask;

    if (!why) {
        ask = print_ask(wait->part.table, wait->name);
        wait->asked = cluster_ask(nb->cluster, wait->member, CLUSTER_PART_PATH,
                                  ask, ASK_MS, answered_cb, wait);
        free(ask);
        if (!wait->asked) {
            end_ask(nb, wait->member);
            why = "it cannot be reached from here";
        }
    }
    if (why) {
        set_why(wait, why);
        end_wait(wait);
    }
}

bool
nb_ask_for_part(struct northbound *nb, struct http_request *req,
                enum vmn_table table, const char *name, const char *host,
                nb_part_cb *reply)
{
    const char *manager = (nb->cluster && host
                           ? cluster_host_manager(nb->cluster, host) : NULL);
    struct part_wait *wait;

    if (!manager || cluster_manages_host(nb->cluster, host)) {
        return false;
    }
    wait = xzalloc(sizeof *wait);
    wait->nb = nb;
    wait->req = req;
    wait->reply = reply;
    wait->member = xstrdup(manager);
    wait->name = xstrdup(name);
    wait->part.table = table;
    http_request_set_close_cb(req, disconnected_cb, wait);
    ask_member(wait);
    return true;
}
