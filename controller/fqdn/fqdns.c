/* SPDX-License-Identifier: Apache-2.0
 *
 * See fqdns.h. */

#include <config.h>

#include "controller/fqdn/fqdns-private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/fqdn/fqdn-rows.h"
#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fqdns);

/* Questions that are open at a time, but for those below. */
#define ASKING_MAX 64
/* The same of what was not answered the last time, apart from the others: an
 * answer that does not come holds its place for long. */
#define ASKING_FAILING_MAX 16
/* The same of what guests have asked for, which may be much; of one wildcard
 * see learned_begin_question(). */
#define ASKING_LEARNED_MAX 64
BUILD_ASSERT_DECL(ASKING_MAX + ASKING_LEARNED_MAX + 2 * ASKING_FAILING_MAX
                  <= RESOLVER_QUESTIONS_MAX);
/* A question that had to wait for others of its wildcard is tried again so
 * much later. */
#define WAIT_MS 50
/* A guest waits for the first answer about a name that it has asked for. */
#define RETRY_SOON_MS 2000
/* After a question without an answer the next one waits for the shortest time
 * to live, and twice as long each time, up to this. */
#define RETRY_MAX_MS 120000
/* So many in a row are told: one may get lost. */
#define FAILURES 2

static void schedule(struct fqdns *);
static void use_refused(struct fqdns *);

static void
changed(struct name *name)
{
    if (name->learned) {
        learned_changed(name);
    } else {
        fqdn_rows_update(name->fqdns->rows, name->text);
    }
}

/* Rows.  ------------------------------------------------------------------ */

static bool
is_failing(const struct family *family)
{
    return family->n_failures >= FAILURES;
}

static bool
has_addresses(const struct family *family)
{
    return (family->answered && family->result == RESOLVER_ANSWER
            && !is_failing(family));
}

/* Sets '*state' to what is said of a name; returns false if nothing has come
 * of asking yet: what its row says stays so.  Servers that do not answer for
 * one family are common: as long as they do for the other, its addresses are
 * what there is. */
static bool
get_state(const struct name *name, enum vmn_fqdn_state *state)
{
    const struct family *families = name->families;
    size_t n_known = 0, n_no_name = 0;
    bool failing = false, any = false;

    for (int i = 0; i < N_FAMILIES; i++) {
        const struct family *family = &families[i];

        failing |= (is_failing(family)
                    && !has_addresses(&families[N_FAMILIES - 1 - i]));
        any |= has_addresses(family);
        n_known += family->answered || is_failing(family);
        n_no_name += family->answered && family->result == RESOLVER_NO_NAME;
    }
    *state = (failing ? VMN_FQDN_FAILING
              : fqdn_addresses_are_limited(&name->addresses)
              ? VMN_FQDN_LIMITED
              : name->addresses.n ? VMN_FQDN_RESOLVED
              : n_no_name ? VMN_FQDN_NO_NAME : VMN_FQDN_NO_ADDRESS);
    return any || n_known == N_FAMILIES;
}

/* Returns true if 'row' says what is known. */
static bool
row_is_current(const struct vmn_fqdn *row, const struct name *name,
               enum vmn_fqdn_state state)
{
    if (!row || row->state != state || row->n_ips != name->addresses.n) {
        return false;
    }
    for (size_t i = 0; i < row->n_ips; i++) {
        if (memcmp(&row->ips[i], &name->addresses.addresses[i].ip,
                   sizeof row->ips[i])) {
            return false;
        }
    }
    return true;
}

static bool
desired_cb(void *f_, const char *text, json_t **spec)
{
    struct fqdns *f = f_;
    const struct name *name = shash_find_data(&f->names, text);
    enum vmn_fqdn_state state;
    char buf[VALUE_IP_SIZE];
    json_t *ips;

    if (value_fqdn_is_wildcard(text)) {
        return learned_desired(f, text, spec);
    }
    *spec = NULL;
    if (!name || !name->n_policies) {
        return true;
    }
    if (!get_state(name, &state)
        || row_is_current(model_get(f->model, VMN_TABLE_FQDN, text), name,
                          state)) {
        return false;
    }
    ips = json_array();
    for (size_t i = 0; i < name->addresses.n; i++) {
        json_array_append_new(ips, json_string(value_format_ip(
            &name->addresses.addresses[i].ip, buf)));
    }
    *spec = json_pack("{s:s, s:o}", "state", value_fqdn_states[state], "ips",
                      ips);
    return true;
}

/* Questions.  ------------------------------------------------------------- */

/* Sets when the family is asked for next, and where it stands in line for
 * that. */
static void
set_ask(struct family *family)
{
    struct fqdns *f = family->name->fqdns;

    timer_heap_unset(&family->queue->heap, &family->ask);
    if (!family->asking && family->name->n_policies) {
        family->queue = &f->queues[
            family->name->learned
            ? (family->n_failures ? LEARNED_FAILING : LEARNED)
            : (family->n_failures ? FAILING : ANSWERED)];
        timer_heap_set(&family->queue->heap, &family->ask, family->ask_ms);
    }
}

static void
set_leave(struct name *name)
{
    int64_t at = fqdn_addresses_due(&name->addresses);

    if (at == INT64_MAX || !name->n_policies) {
        timer_heap_unset(&name->fqdns->leaving, &name->leave);
    } else {
        timer_heap_set(&name->fqdns->leaving, &name->leave, at);
    }
}

void
fqdns_set_timers(struct name *name)
{
    set_leave(name);
    for (int i = 0; i < N_FAMILIES; i++) {
        set_ask(&name->families[i]);
    }
}

static bool
is_asking(const struct name *name)
{
    return name->families[IPV4].asking || name->families[IPV6].asking;
}

void
fqdns_name_free(struct name *name)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        struct family *family = &name->families[i];

        timer_heap_unset(&family->queue->heap, &family->ask);
    }
    timer_heap_unset(&name->fqdns->leaving, &name->leave);
    timer_heap_unset(&name->fqdns->forgetting, &name->forget);
    fqdn_addresses_uninit(&name->addresses);
    free(name->owner);
    free(name->why);
    free(name->text);
    free(name);
}

void
fqdns_drop(struct name *name)
{
    struct fqdns *f = name->fqdns;

    if (!name->n_policies && !is_asking(name)) {
        shash_find_and_delete(name->learned ? &f->learned : &f->names,
                              name->text);
        fqdns_name_free(name);
    }
}

bool
fqdns_was_asked(const struct name *name)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        const struct family *family = &name->families[i];

        if (!family->answered && !family->n_failures) {
            return false;
        }
    }
    return true;
}

bool
fqdns_was_answered(const struct name *name, bool or_failing)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        const struct family *family = &name->families[i];

        if (!family->answered && !(or_failing && is_failing(family))) {
            return false;
        }
    }
    return true;
}

static void
take_failure(struct family *family, const char *why)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);
    struct name *name = family->name;
    int64_t delay_ms = name->fqdns->times.min_ttl_ms;

    if (name->pending) {
        delay_ms = MIN(delay_ms, RETRY_SOON_MS);
    }
    for (unsigned i = 0; i < family->n_failures && delay_ms < RETRY_MAX_MS;
         i++) {
        delay_ms = MIN(delay_ms * 2, RETRY_MAX_MS);
    }
    family->ask_ms = time_msec() + delay_ms;
    if (++family->n_failures == FAILURES) {
        VLOG_INFO_RL(&rl, "%s: addresses of IPv%d cannot be resolved (%s)%s",
                     name->text, family == &name->families[IPV4] ? 4 : 6, why,
                     name->addresses.n ? "; those that are known are kept"
                     : "");
    }
    free(name->why);
    name->why = xstrdup(why);
}

/* Returns whether the name's addresses are others now. */
static bool
take_answer(struct family *family, const struct resolver_answer *answer)
{
    struct name *name = family->name;
    struct fqdns *f = name->fqdns;
    int64_t now_ms = time_msec();
    bool was_limited = fqdn_addresses_are_limited(&name->addresses);
    bool is_another;

    family->n_failures = 0;
    family->answered = true;
    family->result = answer->result;
    is_another = fqdn_addresses_take(
        &name->addresses, family == &name->families[IPV4] ? 4 : 6, answer->ips,
        answer->n, answer->ttl_s, &f->times, now_ms);
    if (fqdn_addresses_are_limited(&name->addresses) && !was_limited) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);

        VLOG_WARN_RL(&rl, "%s: it has more than %d addresses: not all of them "
                     "are kept", name->text, VALUE_FQDN_IPS_MAX);
    }
    /* What a name does not have it may get at any time. */
    family->ask_ms = now_ms + (answer->n
                               ? fqdn_ttl_ms(&f->times, answer->ttl_s)
                               : f->times.min_ttl_ms);
    name->ttl_ms = MAX(name->ttl_ms, fqdn_ttl_ms(&f->times, answer->ttl_s));
    name->answered_ms = time_wall_msec();
    return is_another;
}

static void
answer_cb(void *family_, const struct resolver_answer *answer)
{
    struct family *family = family_;
    struct name *name = family->name;
    struct fqdns *f = name->fqdns;
    bool is_another = false;

    family->queue->n_asking--;
    family->asking = false;
    learned_end_question(family);
    if (answer->result == RESOLVER_FAILURE) {
        take_failure(family, answer->why);
    } else {
        is_another = take_answer(family, answer);
    }
    if (!name->learned) {
        fqdn_rows_update(f->rows, name->text);
    } else {
        learned_take_answer(name, is_another);
    }
    fqdns_set_timers(name);
    fqdns_drop(name);
    use_refused(f);
    schedule(f);
}

static void
ask(struct family *family)
{
    struct name *name = family->name;
    struct fqdns *f = name->fqdns;

    if (name->learned && !learned_begin_question(family)) {
        family->ask_ms = time_msec() + WAIT_MS;
        set_ask(family);
        return;
    }
    if (resolver_ask(f->resolver, name->text,
                     family == &name->families[IPV4] ? 4 : 6, answer_cb,
                     family)) {
        learned_end_question(family);
        take_failure(family, "the question cannot be asked");
        changed(name);
    } else {
        family->asking = true;
        family->queue->n_asking++;
    }
    set_ask(family);
}

static void
expire(struct fqdns *f, int64_t now_ms)
{
    struct timer *first;

    while ((first = timer_heap_first(&f->leaving)) && first->at <= now_ms) {
        struct name *name = CONTAINER_OF(first, struct name, leave);

        if (fqdn_addresses_expire(&name->addresses, now_ms)) {
            changed(name);
        }
        set_leave(name);
    }
}

/* Does what is due, for as many questions as may be open. */
static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fqdns *f = f_;
    int64_t now_ms = time_msec();
    struct timer *first;

    expire(f, now_ms);
    learned_expire(f, now_ms);
    for (int i = 0; i < N_QUEUES; i++) {
        struct queue *queue = &f->queues[i];

        while ((first = timer_heap_first(&queue->heap)) && first->at <= now_ms
               && queue->n_asking < queue->n_max) {
            ask(CONTAINER_OF(first, struct family, ask));
        }
    }
    schedule(f);
}

/* Has timer_cb() be called when something is due.  With all questions of a
 * queue open the next answer does. */
static void
schedule(struct fqdns *f)
{
    const struct timer *first = timer_heap_first(&f->leaving);
    int64_t at = MIN(first ? first->at : INT64_MAX, learned_due(f));
    int64_t in_ms;
    struct timeval tv;

    for (int i = 0; i < N_QUEUES; i++) {
        first = timer_heap_first(&f->queues[i].heap);
        if (first && f->queues[i].n_asking < f->queues[i].n_max) {
            at = MIN(at, first->at);
        }
    }
    if (at == INT64_MAX) {
        event_del(f->timer);
        return;
    }
    in_ms = MAX(at - time_msec(), 0);
    tv.tv_sec = in_ms / 1000;
    tv.tv_usec = in_ms % 1000 * 1000;
    event_add(f->timer, &tv);
}

/* Names of policies.  ----------------------------------------------------- */

/* Sets what is known of a new name from its row: as if it had just been said,
 * also of what was about to leave. */
static void
read_row(struct name *name, int64_t now_ms)
{
    const struct vmn_fqdn *row = model_get(name->fqdns->model, VMN_TABLE_FQDN,
                                           name->text);

    for (int family = 4; row && family <= 6; family += 2) {
        fqdn_addresses_take(&name->addresses, family, row->ips, row->n_ips, 0,
                            &name->fqdns->times, now_ms);
    }
}

struct name *
fqdns_name_create(struct fqdns *f, struct shash *names, const char *text)
{
    struct name *name = xzalloc(sizeof *name);

    name->fqdns = f;
    name->text = xstrdup(text);
    for (int i = 0; i < N_FAMILIES; i++) {
        name->families[i].name = name;
        name->families[i].queue = &f->queues[ANSWERED];
    }
    shash_add(names, text, name);
    return name;
}

void
fqdns_ask_soon(struct name *name, int64_t now_ms)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        name->families[i].ask_ms = now_ms;
    }
    fqdns_set_timers(name);
}

/* Returns true if no more rows may come. */
static bool
has_all_rows(const struct fqdns *f)
{
    return (shash_count(&f->names) + shash_count(&f->wildcards)
            >= VALUE_FQDNS_MAX);
}

/* Returns false if there are too many names already. */
static bool
use(struct fqdns *f, const char *text, const char *policy)
{
    bool is_wildcard = value_fqdn_is_wildcard(text);
    struct name *name = shash_find_data(&f->names, text);
    int64_t now_ms = time_msec();

    if (!(is_wildcard ? shash_find_data(&f->wildcards, text) : name)
        && has_all_rows(f)) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_WARN_RL(&rl, "%s is not resolved: policies have more than %d "
                     "names", text, VALUE_FQDNS_MAX);
        f->refused = true;
        return false;
    }
    if (is_wildcard) {
        learned_use(f, text, policy);
        return true;
    }
    if (!name) {
        name = fqdns_name_create(f, &f->names, text);
        read_row(name, now_ms);
    }
    if (!name->n_policies++) {
        fqdns_ask_soon(name, now_ms);
        fqdn_rows_update(f->rows, text);
    }
    return true;
}

static void
unuse(struct fqdns *f, const char *text, const char *policy)
{
    struct name *name = shash_find_data(&f->names, text);

    if (value_fqdn_is_wildcard(text)) {
        learned_unuse(f, text, policy);
    } else if (name && name->n_policies && !--name->n_policies) {
        fqdn_rows_update(f->rows, text);
        fqdns_set_timers(name);
        fqdns_drop(name);
    }
}

static void
policy_names(const struct vmn_policy *policy, struct sset *names)
{
    for (size_t i = 0; policy && i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);

        for (size_t j = 0; j < rule->n_peers; j++) {
            const char *fqdn = vmn_peer_at(rule, j)->fqdn;

            if (fqdn) {
                sset_add(names, fqdn);
            }
        }
    }
}

/* Holds the names of a policy against those that it had. */
static void
refresh_policy(struct fqdns *f, const char *policy)
{
    struct sset *old = shash_find_and_delete(&f->policies, policy);
    struct sset *names = xmalloc(sizeof *names);
    const char *name, *next;

    sset_init(names);
    policy_names(model_get(f->model, VMN_TABLE_POLICY, policy), names);
    SSET_FOR_EACH_SAFE (name, next, names) {
        if (!(old && sset_find_and_delete(old, name))
            && !use(f, name, policy)) {
            sset_find_and_delete(names, name);
        }
    }
    if (old) {
        SSET_FOR_EACH (name, old) {
            unuse(f, name, policy);
        }
        sset_destroy(old);
        free(old);
    }
    if (sset_is_empty(names)) {
        sset_destroy(names);
        free(names);
    } else {
        shash_add(&f->policies, policy, names);
    }
}

static void
policy_cb(void *f_, const char *policy)
{
    refresh_policy(f_, policy);
}

static void
refresh_all(struct fqdns *f)
{
    struct vmn_names policies = model_names(f->model, VMN_TABLE_POLICY);

    f->refused = false;
    for (size_t i = 0; i < policies.n; i++) {
        refresh_policy(f, policies.names[i]);
    }
}

/* Takes up names for which there was no room, once there is. */
static void
use_refused(struct fqdns *f)
{
    if (f->refused && !has_all_rows(f)) {
        refresh_all(f);
    }
}

static void
group_cb(void *f_, const struct commit_group *group OVS_UNUSED)
{
    struct fqdns *f = f_;

    if (!f->begun) {
        return;
    }
    model_each_unsettled(f->model, VMN_TABLE_POLICY, policy_cb, f);
    use_refused(f);
    schedule(f);
}

/* Called when the first compile is done: begins with what the rows say. */
static void
begin_cb(void *f_)
{
    struct fqdns *f = f_;
    struct vmn_names rows = model_names(f->model, VMN_TABLE_FQDN);

    f->begun = true;
    refresh_all(f);
    for (size_t i = 0; i < rows.n; i++) {
        fqdn_rows_update(f->rows, rows.names[i]);
    }
    schedule(f);
}

void
fqdns_asked(struct fqdns *f, const char *port_name, const char *name)
{
    const struct vmn_port *port = model_get(f->model, VMN_TABLE_PORT,
                                            port_name);

    if (f->begun && port) {
        learned_take_question(f, port, name);
        schedule(f);
    }
}

/* For others.  ------------------------------------------------------------ */

bool
fqdns_get(const struct fqdns *f, const char *text, struct fqdns_name *out)
{
    const struct name *name = shash_find_data(&f->names, text);

    if (!name) {
        return learned_get(f, text, out);
    }
    *out = (struct fqdns_name) { .answered_ms = name->answered_ms };
    for (int i = 0; i < N_FAMILIES; i++) {
        out->failing |= is_failing(&name->families[i]);
    }
    out->why = fqdn_rows_fault(f->rows, text);
    if (!out->why && out->failing) {
        out->why = name->why;
    }
    return true;
}

/* Life.  ------------------------------------------------------------------ */

struct fqdns *
fqdns_create(struct event_base *base, struct model *model,
             struct commit *commit, struct resolver *resolver,
             const struct fqdn_times *times)
{
    struct fqdns *f = xzalloc(sizeof *f);

    f->model = model;
    f->commit = commit;
    f->resolver = resolver;
    f->times = *times;
    f->rows = fqdn_rows_create(base, model, commit, desired_cb, f);
    f->timer = event_new(base, -1, 0, timer_cb, f);
    f->queues[ANSWERED].n_max = ASKING_MAX;
    f->queues[FAILING].n_max = ASKING_FAILING_MAX;
    f->queues[LEARNED].n_max = ASKING_LEARNED_MAX;
    f->queues[LEARNED_FAILING].n_max = ASKING_FAILING_MAX;
    for (int i = 0; i < N_QUEUES; i++) {
        timer_heap_init(&f->queues[i].heap);
    }
    timer_heap_init(&f->leaving);
    learned_init(f);
    shash_init(&f->names);
    shash_init(&f->policies);
    commit_add_watch(commit, group_cb, f);
    commit_when_quiescent(commit, begin_cb, f);
    return f;
}

void
fqdns_destroy(struct fqdns *f)
{
    struct shash_node *node;

    if (!f) {
        return;
    }
    commit_cancel_when_quiescent(f->commit, begin_cb, f);
    commit_remove_watch(f->commit, group_cb, f);
    fqdn_rows_destroy(f->rows);
    event_free(f->timer);
    SHASH_FOR_EACH (node, &f->names) {
        fqdns_name_free(node->data);
    }
    shash_destroy(&f->names);
    learned_uninit(f);
    SHASH_FOR_EACH (node, &f->policies) {
        sset_destroy(node->data);
        free(node->data);
    }
    shash_destroy(&f->policies);
    for (int i = 0; i < N_QUEUES; i++) {
        timer_heap_uninit(&f->queues[i].heap);
    }
    timer_heap_uninit(&f->leaving);
    free(f);
}
