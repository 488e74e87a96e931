/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/fqdn share: questions that are kept, and
 * answers that the test gives. */

#ifndef TESTS_UNIT_FQDNS_FIXTURE_H
#define TESTS_UNIT_FQDNS_FIXTURE_H 1

#include "tests/unit/commit-fixture.h"

#include "controller/fqdn/fqdns.h"
#include "proto/resolver/resolver.h"
#include "timeval.h"

#define NAME "api.example.com"
#define LIMIT_MS 60000
#define OPEN_QUESTIONS_MAX 128

/* In place of proto/resolver: keeps the questions. */
struct asked {
    char *name;
    int family;
    resolver_cb *cb;
    void *aux;
};
extern struct asked open_questions[OPEN_QUESTIONS_MAX];
extern size_t n_open;

#define AWAIT(CONDITION) do {                                               \
        long long int limit_ = time_msec() + LIMIT_MS;                      \
        while (!(CONDITION)) {                                              \
            assert_true(time_msec() < limit_);                              \
            commit_turn();                                                  \
        }                                                                   \
    } while (0)

/* Answers all open questions of a family. */
void answer_all(int family, enum resolver_result result, const char *address);
void forget_questions(void);
void put_object(enum vmn_table table, const char *name, json_t *spec);
void put_policy(const char *name, const char *fqdn);
/* Answers all that is asked of a name: one address of IPv4, or NULL: that it
 * does not exist.  Returns how many questions there were. */
size_t answer_with(const char *name, const char *address);
/* Answers what is asked of a name: one address. */
void answer_name(const char *name);
const struct vmn_fqdn *get_row(const char *name);
bool row_is(const char *name, enum vmn_fqdn_state state, size_t n_ips);
struct fqdns *begin_fqdns(void);
void end_fqdns(struct fqdns *f);

#endif /* tests/unit/fqdns-fixture.h */
