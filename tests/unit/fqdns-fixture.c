/* SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "tests/unit/fqdns-fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

struct asked open_questions[OPEN_QUESTIONS_MAX];
size_t n_open;

int
resolver_ask(struct resolver *resolver OVS_UNUSED, const char *name,
             int family, resolver_cb *cb, void *aux)
{
    assert_in_range(n_open, 0, ARRAY_SIZE(open_questions) - 1);
    open_questions[n_open++] = (struct asked) {
        xstrdup(name), family, cb, aux,
    };
    return 0;
}

/* Answers all open questions of a family. */
void
answer_all(int family, enum resolver_result result, const char *address)
{
    struct vmn_ip ip = { .family = (uint8_t) family };
    const struct resolver_answer answer = {
        .result = result, .n = address != NULL, .ips = &ip, .ttl_s = 1,
        .why = "nobody is there",
    };

    if (address) {
        assert_int_equal(inet_pton(family == 4 ? AF_INET : AF_INET6, address,
                                   ip.addr), 1);
    }
    for (size_t i = n_open; i-- > 0; ) {
        struct asked asked = open_questions[i];

        if (asked.family == family) {
            open_questions[i] = open_questions[--n_open];
            free(asked.name);
            asked.cb(asked.aux, &answer);
        }
    }
}

void
forget_questions(void)
{
    while (n_open) {
        free(open_questions[--n_open].name);
    }
}

void
put_object(enum vmn_table table, const char *name, json_t *spec)
{
    struct model_request request;
    int n = n_ok;

    model_request_init(&request, "test");
    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE, table, name,
                      spec);
    commit_submit(the_commit, &request, committed, NULL);
    model_request_uninit(&request);
    AWAIT(n_ok > n);
}

void
put_policy(const char *name, const char *fqdn)
{
    put_object(VMN_TABLE_POLICY, name, json_pack(
        "{s:[s], s:[{s:s, s:s, s:[{s:s}]}]}", "applies_to", "g", "rules",
        "direction", "egress", "action", "allow", "peers", "fqdn", fqdn));
}

/* Answers all that is asked of a name: one address of IPv4, or NULL: that it
 * does not exist.  Returns how many questions there were. */
size_t
answer_with(const char *name, const char *address)
{
    struct vmn_ip ip = { .family = 4 };
    const struct resolver_answer found = {
        .result = RESOLVER_ANSWER, .n = 1, .ips = &ip, .ttl_s = 3600,
    }, none = {
        .result = address ? RESOLVER_NO_ADDRESS : RESOLVER_NO_NAME,
        .ttl_s = 3600,
    };
    size_t n = 0;

    if (address) {
        assert_int_equal(inet_pton(AF_INET, address, ip.addr), 1);
    }
    for (size_t i = n_open; i-- > 0; ) {
        struct asked asked = open_questions[i];

        if (!strcmp(asked.name, name)) {
            open_questions[i] = open_questions[--n_open];
            free(asked.name);
            asked.cb(asked.aux, (address && asked.family == 4 ? &found
                                 : &none));
            n++;
        }
    }
    return n;
}

/* Answers what is asked of a name: one address. */
void
answer_name(const char *name)
{
    struct vmn_ip ip = { .family = 4, .addr = { 192, 0, 2, 9 } };
    const struct resolver_answer found = {
        .result = RESOLVER_ANSWER, .n = 1, .ips = &ip, .ttl_s = 3600,
    };

    for (size_t i = n_open; i-- > 0; ) {
        struct asked asked = open_questions[i];

        if (asked.family == 4 && !strcmp(asked.name, name)) {
            open_questions[i] = open_questions[--n_open];
            free(asked.name);
            asked.cb(asked.aux, &found);
        }
    }
}

const struct vmn_fqdn *
get_row(const char *name)
{
    return model_get_durable(core.model, VMN_TABLE_FQDN, name, NULL);
}

bool
row_is(const char *name, enum vmn_fqdn_state state, size_t n_ips)
{
    const struct vmn_fqdn *row = get_row(name);

    return row && row->state == state && row->n_ips == n_ips;
}

struct fqdns *
begin_fqdns(void)
{
    static const struct fqdn_times times = { .min_ttl_ms = 1,
                                             .grace_ms = 0 };
    struct fqdns *f;

    finish_at_once = true;
    put_object(VMN_TABLE_GROUP, "g", json_object());
    f = fqdns_create(commit_base, core.model, the_commit, NULL, &times);
    put_policy("p", NAME);
    AWAIT(n_open == 2);
    assert_string_equal(open_questions[0].name, NAME);
    return f;
}

void
end_fqdns(struct fqdns *f)
{
    commit_stop(the_commit);
    fqdns_destroy(f);
    forget_questions();
    finish_at_once = false;
}
