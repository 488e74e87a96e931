/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of the model start from, and ask of it. */

#ifndef TESTS_UNIT_MODEL_FIXTURE_H
#define TESTS_UNIT_MODEL_FIXTURE_H 1

#include <stdint.h>

#include "controller/model/model.h"

#define SUBNET "'subnets':[{'cidr':'10.0.0.0/24','gateway':'10.0.0.1'}]"
#define LB(MORE) "{'vip':'10.0.0.100','networks':['n']," \
                 "'ports':[{'port':80}]" MORE "}"

#define LB_AT(VIP, NETWORKS) "{'vip':'" VIP "','networks':[" NETWORKS "]," \
                             "'ports':[{'port':80}]}"

/* Three are given out: 10.5.0.10, .12 and .20.  One is kept. */
#define POOLS "'subnets':[{'cidr':'10.5.0.0/24','gateway':'10.5.0.11'," \
              "'pools':[{'start':'10.5.0.10','end':'10.5.0.14'}," \
              "{'start':'10.5.0.20'}],'exclude':[{'start':'10.5.0.13'," \
              "'end':'10.5.0.19'}],'reservations':[{'ip':'10.5.0.99'," \
              "'port':'db'}]}]"

/* Networks that routers may join. */
#define NETWORK_A "put networks a {'subnets':[{'cidr':'10.1.0.0/24'," \
                  "'gateway':'10.1.0.1'}]}\n"
#define NETWORK_B "put networks b {'subnets':[{'cidr':'10.2.0.0/24'," \
                  "'gateway':'10.2.0.1'},{'cidr':'fd02::/64'}]}\n"

/* What most tests start from: two hosts, networks "n" and "m", ports "p1" and
 * "p2" in "n", and a group "g" of both with a policy.  All is settled. */
extern const char model_base[];
int model_setup(void **state);
int model_teardown(void **state);

/* Applies a request as model_util_apply() takes it, and expects these errors:
 * none (""), or these and that nothing has changed. */
void apply(struct model *, const char *text, const char *expected);
void apply_as(struct model *, const char *who, const char *text,
              const char *expected);

const struct vmn_port *get_port(struct model *, const char *name);
uint32_t get_vni(struct model *, const char *name);
/* Expects a port to have 'expected' as its only address. */
void check_ip(struct model *, const char *port, const char *expected);
/* Expects a row to have this specification, with ' for ". */
void check_spec(struct model *, enum vmn_table, const char *name,
                const char *expected);
/* Expects an index to have these names under 'key', apart by spaces. */
void check_index(struct model *, enum vmn_index, const char *key,
                 const char *expected);

#endif /* tests/unit/model-fixture.h */
