/* SPDX-License-Identifier: Apache-2.0
 *
 * unixctl commands about the commit, and those about the engine that need a
 * quiescent state and time: they run on the commit's fiber, between two
 * groups. */

#include <config.h>

#include "controller/commit/commit.h"
#include "controller/schema/schema-struct.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "unixctl.h"
#include "util.h"

/* A command that waits until the commit is quiescent. */
struct command {
    struct ovs_list node;       /* In 'commands'. */
    struct unixctl_conn *conn;
    const struct engine *engine;
};

/* All waiting commands.  They are not freed if the process exits before. */
static struct ovs_list commands = OVS_LIST_INITIALIZER(&commands);

static void
when_quiescent(struct commit *commit, struct unixctl_conn *conn,
               void (*cb)(void *command))
{
    struct command *command = xmalloc(sizeof *command);

    command->conn = conn;
    command->engine = commit_engine(commit);
    ovs_list_push_back(&commands, &command->node);
    commit_when_quiescent(commit, cb, command);
}

static void
command_free(struct command *command)
{
    ovs_list_remove(&command->node);
    free(command);
}

static void
verify_cb(void *command_)
{
    struct command *command = command_;
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = engine_verify(command->engine, &ds);

    ds_put_format(&ds, "%"PRIuSIZE" differences\n", n);
    if (n) {
        unixctl_command_reply_error(command->conn, ds_cstr(&ds));
    } else {
        unixctl_command_reply(command->conn, ds_cstr(&ds));
    }
    ds_destroy(&ds);
    command_free(command);
}

static void
unixctl_verify(struct unixctl_conn *conn, int argc OVS_UNUSED,
               const char *argv[] OVS_UNUSED, void *commit)
{
    when_quiescent(commit, conn, verify_cb);
}

static void
problems_cb(void *command_)
{
    struct command *command = command_;
    const struct engine_problems *found = engine_problems(command->engine);
    json_t *problems = json_array();
    char *text;

    for (size_t i = 0; i < found->n; i++) {
        json_array_append_new(problems, schema_struct_to_json(
            &engine_problem_shown, &found->problems[i]));
    }
    text = json_dumps(problems, JSON_INDENT(2) | JSON_SORT_KEYS);
    unixctl_command_reply(command->conn, text);
    free(text);
    json_decref(problems);
    command_free(command);
}

static void
unixctl_problems(struct unixctl_conn *conn, int argc OVS_UNUSED,
                 const char *argv[] OVS_UNUSED, void *commit)
{
    when_quiescent(commit, conn, problems_cb);
}

static void
unixctl_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *commit)
{
    struct commit_stats s;
    struct ds ds = DS_EMPTY_INITIALIZER;

    commit_get_stats(commit, &s);
    ds_put_format(&ds, "groups %"PRIu64", requests in them %"PRIu64
                  ", requests that wait %"PRIu64"\n", s.n_groups,
                  s.n_requests, s.n_queue);
    ds_put_format(&ds, "delay %.3f ms while hosts are behind, groups that "
                  "waited for these or for clients %"PRIu64
                  " (%.3f ms each)\n", s.delay_us / 1e3, s.n_waits,
                  s.n_waits ? s.waited_us / 1e3 / s.n_waits : 0);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
commit_unixctl_init(struct commit *commit)
{
    unixctl_command_register("commit/show", "", 0, 0, unixctl_show, commit);
    unixctl_command_register("engine/verify", "", 0, 0, unixctl_verify,
                             commit);
    unixctl_command_register("engine/problems", "", 0, 0, unixctl_problems,
                             commit);
}
