/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests that no receipt, and nothing else that the fabric says of a host, says
 * more than is true: what a switch refuses, while all that can happen to it
 * happens at the worst moment. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/session/receipts.h"
#include "hash.h"
#include "random.h"
#include "util.h"

/* Certain moments.  ------------------------------------------------------ */

static struct fabric_switch *
sw(int i)
{
    return host(i)->sw;
}

/* Turns the loop, and looks each time that the receipt of 'REV' does not say
 * more than is true: that host 'I' has a flow with this priority. */
#define TURN_TRULY_UNTIL(I, REV, PRIORITY, CONDITION)                   \
    TURN_UNTIL((assert_true(strcmp(receipt_of(REV, I), "confirmed")     \
                            || fake_switch_find(&switches[I], PRIORITY)), \
                (CONDITION)))

/* Until host 0 has been sent the commit of a reconciling, which it does not
 * answer for now. */
static void
until_committing(void)
{
    for (;;) {
        fixture_turn();
        if (sw(0)->state == SWITCH_LIVE && sw(0)->bundles.n_sent) {
            break;
        }
        fake_switch_run(&switches[0]);
    }
    switches[0].hold = true;
    turn();
}

static int n_waits;

static void
wait_cb(void *aux OVS_UNUSED, bool installed,
        const struct fabric_receipt *receipt OVS_UNUSED)
{
    assert_false(installed);
    n_waits++;
}

/* Host 0 lacks port b, for which it was reconciled: it is live, and its answer
 * to the commit is still to come. */
static void
refuse_and_commit(void)
{
    connect_host(0);
    sw(0)->rejected.backoff_ms = 100000;
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "h0", 1, false);
    TURN_UNTIL(is_diverged(0) && sw(0)->rejected.backing_off);
    sw(0)->rejected.read_ms = 1000000;   /* The longest pause. */
    edit_port("b", "red", 200, "h0", 2, false);
    TURN_UNTIL(sw(0)->state == SWITCH_WAITING);
    /* So that there is something to commit. */
    fake_switch_add_flow(&switches[0], "table=9,priority=7,actions=drop");
    event_active(sw(0)->rejected.pause, EV_TIMEOUT, 1);
    until_committing();
    sw(0)->rejected.read_ms = 1000000;
}

static void
rest_that_ends_before_the_answer_confirms_nothing(void **state OVS_UNUSED)
{
    n_waits = 0;
    refuse_and_commit();
    wait_for_revision(fabric, revision, 1000, wait_cb, NULL);
    event_active(sw(0)->rejected.backoff, EV_TIMEOUT, 1);
    TURN_UNTIL(sw(0)->state == SWITCH_READING);
    fake_switch_release(&switches[0]);
    TURN_TRULY_UNTIL(0, revision, 200, is_diverged(0)
                     && sw(0)->rejected.backing_off);
    assert_string_equal(receipt_of(revision, 0), "failed");
    TURN_TRULY_UNTIL(0, revision, 200, n_waits);

    switches[0].refuse_priority = 0;
    event_active(sw(0)->rejected.backoff, EV_TIMEOUT, 1);
    TURN_TRULY_UNTIL(0, revision, 200, is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

static void
late_answer_does_not_speak_for_what_is_held_back(void **state OVS_UNUSED)
{
    refuse_and_commit();
    /* Nothing that it lacks is desired any more: that is to be seen. */
    edit(VMN_TABLE_PORT, "b", NULL);
    TURN_UNTIL(sw(0)->state == SWITCH_WAITING);
    fake_switch_release(&switches[0]);
    edit_port("c", "red", 300, "h0", 1, false);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_null(fake_switch_find(&switches[0], 300));
    assert_string_equal(receipt_of(revision, 0), "pending");
    assert_true(switch_acked(sw(0)) < revision);
    assert_false(rejected_items_served(sw(0), "c", revision));
    event_active(sw(0)->rejected.pause, EV_TIMEOUT, 1);
    TURN_TRULY_UNTIL(0, revision, 300, is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

static void
change_that_is_taken_back_finds_what_was_refused(void **state OVS_UNUSED)
{
    edit_port("b", "red", 200, "h0", 1, false);
    switches[0].hold = true;
    switches[0].refuse_priority = 200;
    connect_only(0);
    TURN_UNTIL(sw(0)->state == SWITCH_CHECKING);
    sw(0)->rejected.backoff_ms = 100000;
    edit_port("b", "red", 200, "h0", 2, false);
    edit_port("b", "red", 200, "h0", 1, false);
    assert_int_equal(openflow_figure(0, "backlog"), 2);
    fake_switch_release(&switches[0]);
    TURN_TRULY_UNTIL(0, revision, 200, sw(0)->state == SWITCH_LIVE
                     && backlog_is_empty(&sw(0)->bundles.backlog));
    TURN_TRULY_UNTIL(0, revision, 200, is_diverged(0)
                     && sw(0)->state == SWITCH_LIVE);
    assert_string_equal(receipt_of(revision, 0), "failed");
    switches[0].refuse_priority = 0;
    event_active(sw(0)->rejected.backoff, EV_TIMEOUT, 1);
    TURN_TRULY_UNTIL(0, revision, 200, is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

static void
failed_cb(void *done, const struct commit_result *result)
{
    assert_false(result->ok);
    *(bool *) done = true;
}

static void
deletion_that_is_not_stored_changes_nothing(void **state OVS_UNUSED)
{
    struct model_request request;
    bool done = false;

    connect_host(0);
    sw(0)->rejected.backoff_ms = 100000;
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "h0", 1, false);
    TURN_UNTIL(is_diverged(0) && sw(0)->rejected.backing_off);
    fixture_store_errors = 1;
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "b", NULL);
    commit_submit(commit, &request, failed_cb, &done);
    TURN_UNTIL((assert_false(rejected_items_served(sw(0), "b", revision)),
                sw(0)->rejected.dependents_known = false, done));
    assert_false(rejected_items_served(sw(0), "b", revision));
    assert_true(is_diverged(0));
}

static void
withdrawal_of_what_was_refused_takes_the_older_flow(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "h0", 1, false);
    edit_port("b", "red", 200, "h0", 1, false);
    connect_host(0);
    disconnect_host(0);
    edit_port("a", "red", 100, "h0", 1, true);
    edit_port("b", "red", 200, "h0", 2, false);
    switches[0].hold = true;
    switches[0].refuse_priority = 200;
    switches[0].refuse_groups = true;   /* It has to go on without these. */
    connect_only(0);
    TURN_UNTIL(sw(0)->state == SWITCH_CHECKING);
    sw(0)->rejected.backoff_ms = 100000;
    edit(VMN_TABLE_PORT, "b", NULL);
    fake_switch_release(&switches[0]);
    TURN_UNTIL((assert_true(strcmp(receipt_of(revision, 0), "confirmed")
                            || !fake_switch_find(&switches[0], 200)),
                !strcmp(receipt_of(revision, 0), "confirmed")));
    assert_true(is_diverged(0));
    assert_int_equal(switches[0].n_dumps, 2);
    switches[0].refuse_groups = false;
    event_active(sw(0)->rejected.backoff, EV_TIMEOUT, 1);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
refusal_that_is_overtaken_by_a_change_stays_told(void **state OVS_UNUSED)
{
    uint64_t refused;

    edit_port("a", "red", 100, "h0", 1, false);
    edit_port("b", "red", 200, "h0", 1, false);
    refused = revision;
    switches[0].hold = true;
    switches[0].refuse_priority = 200;
    connect_only(0);
    TURN_UNTIL(sw(0)->state == SWITCH_CHECKING);
    sw(0)->rejected.backoff_ms = 100000;
    fake_switch_release(&switches[0]);
    switches[0].hold = true;
    TURN_UNTIL(openflow_figure(0, "rejected") == 1);
    /* The check without it is under way. */
    edit_port("b", "red", 200, "h0", 2, false);
    assert_int_equal(sw(0)->state, SWITCH_CHECKING);
    fake_switch_release(&switches[0]);
    TURN_TRULY_UNTIL(0, refused, 200, fake_switch_find(&switches[0], 100));
    TURN_TRULY_UNTIL(0, refused, 200, is_diverged(0)
                     && sw(0)->rejected.backing_off
                     && backlog_is_empty(&sw(0)->bundles.backlog));
    assert_string_equal(receipt_of(refused, 0), "failed");
    assert_non_null(sw(0)->conn);
    switches[0].refuse_priority = 0;
    event_active(sw(0)->rejected.backoff, EV_TIMEOUT, 1);
    event_active(sw(0)->rejected.pause, EV_TIMEOUT, 1);
    TURN_TRULY_UNTIL(0, refused, 200, is_synced(0));
    assert_string_equal(receipt_of(refused, 0), "confirmed");
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

static void
refused_port_is_lacking_until_its_next_flow_is_taken(void **state OVS_UNUSED)
{
    uint64_t refused;

    connect_host(0);
    sw(0)->rejected.backoff_ms = 100000;
    switches[0].refuse_groups = true;
    edit_port("b", "red", 200, "h0", 1, true);
    edit_port("c", "red", 300, "h0", 1, true);
    refused = revision;
    TURN_UNTIL(is_diverged(0) && sw(0)->rejected.backing_off
               && switch_acked(sw(0)) >= refused);
    assert_false(rejected_items_served(sw(0), "c", refused));
    switches[0].hold = true;
    edit_port("c", "red", 300, "h0", 1, false);
    for (int i = 0; i < 20; i++) {
        turn();
        assert_false(rejected_items_served(sw(0), "c", refused));
    }
    fake_switch_release(&switches[0]);
    TURN_UNTIL((assert_true(fake_switch_find(&switches[0], 300)
                            || !rejected_items_served(sw(0), "c", refused)),
                switch_acked(sw(0)) >= revision));
    assert_true(rejected_items_served(sw(0), "c", revision));
    assert_false(rejected_items_served(sw(0), "b", revision));
    assert_true(is_diverged(0));
}

static uint64_t late_revision;  /* An app is late with it; 0: with none. */

const char *__wrap_engine_late_app(const struct engine *, uint64_t rev);

const char *
__wrap_engine_late_app(const struct engine *engine OVS_UNUSED, uint64_t rev)
{
    return rev && rev == late_revision ? "app" : NULL;
}

static void
installed_cb(void *n, bool installed, const struct fabric_receipt *receipt)
{
    assert_true(installed);
    assert_true(receipt->installed);
    assert_null(receipt->late);
    ++*(int *) n;
}

/* A worker that is started again has units computed without a revision.  A
 * unit that is late then lacks the newest one, which may be installed while
 * its wait is not answered yet. */
static void
receipt_waits_for_a_unit_that_is_late(void **state OVS_UNUSED)
{
    int n = 0;

    connect_host(0);
    edit_port("b", "red", 200, "h0", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    wait_for_revision(fabric, revision, 60000, installed_cb, &n);
    late_revision = revision;
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_int_equal(n, 0);
    late_revision = 0;
    receipts_acked_changed(fabric);
    TURN_UNTIL(n);
}

/* Any moment.  ----------------------------------------------------------- */

#define N_PORTS 6
#define N_GROUPS 512            /* Group ids are below. */
#define N_KEYS (N_PORTS + N_GROUPS)
#define N_REVISIONS 2048
#define N_LOOK 40               /* The newest receipts are looked at. */

/* What a host is to hold, or holds, as hashes; 0 is nothing.  Port "pK" has
 * the flow of priority 100 + K. */
struct contents {
    uint32_t keys[N_KEYS];
};

static struct contents desired[N_REVISIONS][N_HOSTS]; /* By revision. */
static uint64_t first_noted, last_noted;
static uint64_t n_confirmed, n_withheld, n_served;   /* What was seen. */

/* Of a message but for its first 8 bytes, where the xid is. */
static uint32_t
hash_message(const void *message, size_t size)
{
    uint32_t hash = hash_bytes((const char *) message + 8, size - 8, 0);

    return hash ? hash : 1;
}

static void
want_cb(void *contents_, const struct flow_item *item)
{
    struct contents *contents = contents_;
    /* The message begins behind 16 bytes of the bundle's. */
    uint32_t hash = hash_message(item->add + 16, item->add_size - 16);

    if (item->kind == FLOW_ITEM_GROUP) {
        assert_true(item->group_id < N_GROUPS);
        contents->keys[N_PORTS + item->group_id] = hash;
    } else if (item->priority >= 100 && item->priority < 100 + N_PORTS) {
        contents->keys[item->priority - 100] = hash;
    }
}

/* Notes what hosts are to hold as of a revision that has just become durable.
 * Nobody else edits, so the engine has nothing newer. */
static void
note_desired(void)
{
    while (last_noted < fabric->last_revision) {
        assert_true(++last_noted < N_REVISIONS);
        for (int i = 0; i < N_HOSTS; i++) {
            memset(&desired[last_noted][i], 0, sizeof desired[last_noted][i]);
            engine_host_items(toy.engine, host(i)->name, want_cb,
                              &desired[last_noted][i]);
        }
    }
}

static void
read_contents(int i, struct contents *contents)
{
    const struct fake_switch *fs = &switches[i];
    const struct fake_flow *flow;
    const struct fake_group *group;

    memset(contents, 0, sizeof *contents);
    LIST_FOR_EACH (flow, node, &fs->flows) {
        if (flow->priority >= 100 && flow->priority < 100 + N_PORTS) {
            contents->keys[flow->priority - 100]
                = hash_message(flow->mod->data, flow->mod->size);
        }
    }
    LIST_FOR_EACH (group, node, &fs->groups) {
        contents->keys[N_PORTS + group->id]
            = hash_message(group->mod->data, group->mod->size);
    }
}

/* Whether host 'i' holds what 'rev' or a later revision desired for a key. */
static bool
holds(int i, const struct contents *contents, size_t key, uint64_t rev)
{
    for (; rev <= last_noted; rev++) {
        if (desired[rev][i].keys[key] == contents->keys[key]) {
            return true;
        }
    }
    return false;
}

/* A revision that 'word' says is installed on host 'i', or does not concern
 * it: looks at what the revision changed. */
static void
check_word(int i, const struct contents *contents, uint64_t rev,
           const char *word)
{
    bool concerned = strcmp(word, "none");

    n_confirmed += !strcmp(word, "confirmed");
    n_withheld += concerned && strcmp(word, "confirmed");
    if (concerned && strcmp(word, "confirmed")) {
        return;
    }
    for (size_t key = 0; key < N_KEYS; key++) {
        if (desired[rev - 1][i].keys[key] == desired[rev][i].keys[key]) {
            continue;
        }
        if (!concerned) {
            fail_msg("revision %"PRIu64" concerns host %d", rev, i);
        } else if (!holds(i, contents, key, rev)) {
            fail_msg("host %d lacks key %"PRIuSIZE" of revision %"PRIu64
                     " (now %"PRIu64")", i, key, rev, last_noted);
        }
    }
}

static void
check_receipt(const struct contents contents[N_HOSTS], uint64_t rev)
{
    json_t *receipt = fixture_receipt(rev);
    json_t *hosts = json_object_get(receipt, "hosts");
    bool all = true;

    for (int i = 0; i < N_HOSTS; i++) {
        const char *word = "none";
        json_t *entry;
        size_t j;

        json_array_foreach (hosts, j, entry) {
            if (!strcmp(json_string_value(json_object_get(entry, "host")),
                        host(i)->name)) {
                word = json_string_value(json_object_get(entry, "state"));
            }
        }
        all &= !strcmp(word, "none") || !strcmp(word, "confirmed");
        check_word(i, &contents[i], rev, word);
    }
    assert_int_equal(json_is_true(json_object_get(receipt, "installed")),
                     all);
    json_decref(receipt);
}

/* What the host itself is said to have taken, and which ports it serves: of
 * changes that are on their way to it, receipts tell. */
static void
check_switch(int i, const struct contents *contents)
{
    uint64_t acked = switch_acked(sw(i));

    for (size_t key = 0; !sw(i)->rejected.partial && key < N_KEYS; key++) {
        if (!holds(i, contents, key, acked)) {
            fail_msg("host %d lacks key %"PRIuSIZE" of %"PRIu64", which it "
                     "has acknowledged", i, key, acked);
        }
    }
    for (size_t key = 0; key < N_PORTS; key++) {
        char name[16];

        snprintf(name, sizeof name, "p%"PRIuSIZE, key);
        if (model_get_durable(toy.model, VMN_TABLE_PORT, name, NULL)
            && model_get(toy.model, VMN_TABLE_PORT, name)
            && rejected_items_served(sw(i), name, acked)) {
            n_served++;
            if (!holds(i, contents, key, acked)) {
                fail_msg("host %d does not serve %s of %"PRIu64, i, name,
                         acked);
            }
        }
    }
}

/* What is said after a turn of the loop is held against what the switches
 * hold, which they change in their own turns only. */
static void
true_turn(void)
{
    struct contents contents[N_HOSTS];
    uint64_t first;

    /* Groups are left between any two of their steps. */
    commit_set_max_yields(commit, 1 + random_range(10));
    fixture_turn();
    note_desired();
    for (int i = 0; i < N_HOSTS; i++) {
        read_contents(i, &contents[i]);
        check_switch(i, &contents[i]);
    }
    first = MAX(first_noted + 1, last_noted - MIN(last_noted, N_LOOK));
    for (uint64_t rev = first; rev <= last_noted; rev++) {
        check_receipt(contents, rev);
    }
    for (int i = 0; i < N_HOSTS; i++) {
        if (random_range(4)) {
            fake_switch_run(&switches[i]);
        }
        if (switches[i].hold && !random_range(3)) {
            fake_switch_release_one(&switches[i]);
        }
    }
}

#define TRUE_TURN_UNTIL(CONDITION) FIXTURE_TURN_UNTIL(true_turn, CONDITION)

static void
edit_truly(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, true_turn);
}

static void
put_port(int key, const char *scope, int value, bool group)
{
    char name[16];

    snprintf(name, sizeof name, "p%d", key);
    edit_truly(VMN_TABLE_PORT, name, json_pack(
        "{s:s, s:{s:o, s:s, s:o, s:s*}}",
        "network", key % 2 ? "red" : "blue", "labels",
        "prio", json_sprintf("%d", 100 + key), "scope", scope,
        "value", json_sprintf("%d", value), "group", group ? "yes" : NULL));
}

static void
edit_any_port(void)
{
    static const char *const scopes[] = { "all", "net", "h0", "h1", "h2" };
    int key = random_range(N_PORTS);
    char name[16];

    snprintf(name, sizeof name, "p%d", key);
    if (!random_range(5)) {
        if (model_get(toy.model, VMN_TABLE_PORT, name)) {
            edit_truly(VMN_TABLE_PORT, name, NULL);
        }
        return;
    }
    put_port(key, scopes[random_range(5)], random_range(2),
             !random_range(3));
}

static void
edit_any_host(void)
{
    static const char *const nets[] = { NULL, "red", "blue" };
    int i = random_range(N_HOSTS);

    edit_truly(VMN_TABLE_HOST, host(i)->name, json_pack(
        "{s:s, s:o, s:{s:s*}}", "ovsdb", "inbound",
        "tunnel_ip", json_sprintf("192.0.2.%d", i + 1),
        "labels", "net", nets[random_range(3)]));
}

static void
fire(struct event *timer)
{
    if (event_pending(timer, EV_TIMEOUT, NULL)) {
        event_active(timer, EV_TIMEOUT, 1);
    }
}

static void
drop_any(int i)
{
    fake_switch_disconnect(&switches[i]);
    switches[i].hold = false;
    if (random_range(2)) {
        edit_any_port();
    }
    connect_only(i);
}

static void
any_fault(int i)
{
    struct fake_switch *fs = &switches[i];
    uint16_t priority = random_range(3) ? 100 + random_range(N_PORTS) : 0;

    switch (random_range(10)) {
    case 0: case 1: fs->refuse_priority = priority; break;
    case 2: fs->refuse_at_commit = priority; break;
    case 3: fs->refuse_commits = random_range(3); break;
    case 4: fs->refuse_marker = !random_range(3); break;
    case 5: fs->refuse_groups = !random_range(3); break;
    case 6:
        fs->max_flows = (random_range(2) ? 0
                         : fake_switch_n_flows(fs) + random_range(3));
        break;
    case 7:
        if (fs->hold) {
            fake_switch_release(fs);
        } else {
            fs->hold = true;
        }
        break;
    case 8:
        fake_switch_add_flow(fs, "table=9,priority=7,actions=drop");
        break;
    default:
        if (!random_range(3)) {
            drop_any(i);
        }
    }
}

static void
any_step(void)
{
    int i = random_range(N_HOSTS);

    switch (random_range(10)) {
    case 0: case 1: case 2: edit_any_port(); break;
    case 3:
        if (!random_range(3)) {
            edit_any_host();
        }
        break;
    case 4: fire(sw(i)->rejected.backoff); break;
    case 5: fire(sw(i)->rejected.pause); break;
    case 6:
        if (!random_range(3)) {
            rejected_items_retry(sw(i));
        } else {
            sw(i)->rejected.repaired_ms = 0;   /* It may be mended at once. */
        }
        break;
    default: any_fault(i);
    }
    for (int n = random_range(4); n > 0; n--) {
        true_turn();
    }
}

/* Lets no time pass that it need not. */
static void
nudge(int i)
{
    fire(sw(i)->rejected.backoff);
    fire(sw(i)->rejected.pause);
    if (sw(i)->bundles.unmarkable) {
        fake_switch_disconnect(&switches[i]);
    }
    if (switches[i].fd < 0) {
        connect_only(i);
    }
}

/* All faults end: each host comes to hold what it is to, and says so. */
static void
heal(int i)
{
    struct fake_switch *fs = &switches[i];

    fs->refuse_priority = fs->refuse_at_commit = 0;
    fs->refuse_commits = fs->max_flows = 0;
    fs->refuse_marker = fs->refuse_groups = false;
    fake_switch_remove(fs, 7);  /* The stranger's. */
    fake_switch_release(fs);
    TRUE_TURN_UNTIL((nudge(i), is_synced(i) && !sw(i)->bundles.unmarkable
                     && switch_acked(sw(i)) >= last_noted));
}

static void
no_receipt_says_more_than_is_true(void **state OVS_UNUSED)
{
    const char *text = getenv("VMN_SEED");
    const char *rounds = getenv("VMN_ROUNDS");
    uint32_t seed = text ? atoi(text) : 4711;

    print_message("seed %"PRIu32"\n", seed);
    random_set_seed(seed);
    n_confirmed = n_withheld = n_served = 0;
    last_noted = fabric->last_revision - 1;
    note_desired();
    first_noted = last_noted;
    for (int i = 0; i < N_HOSTS; i++) {
        connect_only(i);
    }
    for (int round = 0; round < (rounds ? atoi(rounds) : 12);
         round++) {
        for (int n = 0; n < 40; n++) {
            any_step();
        }
        for (int i = 0; i < N_HOSTS; i++) {
            heal(i);
        }
        /* With each bundle goes a marker. */
        put_port(0, "all", 10 + round, false);
        for (int i = 0; i < N_HOSTS; i++) {
            TRUE_TURN_UNTIL(switch_acked(sw(i)) >= last_noted);
            check_host(i);
        }
    }
    print_message("seen: %"PRIu64" confirmed, %"PRIu64" withheld, %"PRIu64
                  " served\n", n_confirmed, n_withheld, n_served);
    assert_true(n_confirmed > 100 && n_withheld > 100 && n_served > 100);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T(rest_that_ends_before_the_answer_confirms_nothing, setup),
        T(late_answer_does_not_speak_for_what_is_held_back, setup),
        T(change_that_is_taken_back_finds_what_was_refused, setup),
        T(deletion_that_is_not_stored_changes_nothing, setup),
        T(withdrawal_of_what_was_refused_takes_the_older_flow, setup),
        T(refusal_that_is_overtaken_by_a_change_stays_told, setup),
        T(refused_port_is_lacking_until_its_next_flow_is_taken, setup),
        T(receipt_waits_for_a_unit_that_is_late, setup),
        T(no_receipt_says_more_than_is_true, setup_narrow),
        T(no_receipt_says_more_than_is_true, setup_parts),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
