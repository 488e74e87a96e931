/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes of the tables, each from the file of its resource.  A table
 * whose rows mean nothing for others is not here. */

#include <config.h>

#include "controller/model/model-class.h"

extern const struct model_class model_host;
extern const struct model_class model_network;
extern const struct model_class model_port;
extern const struct model_class model_group;
extern const struct model_class model_service;
extern const struct model_class model_tier;
extern const struct model_class model_policy;
extern const struct model_class model_quarantine;
extern const struct model_class model_loadbalancer;
extern const struct model_class model_app;
extern const struct model_class model_router;
extern const struct model_class model_floating_ip;
extern const struct model_class model_dns_zone;
extern const struct model_class model_observation;
extern const struct model_class model_token;
extern const struct model_class model_quota;
extern const struct model_class model_binding;
extern const struct model_class model_health;
extern const struct model_class model_vif;

static const struct model_class none = { .limit = NULL };

const struct model_class *const model_classes[VMN_N_TABLES] = {
    [VMN_TABLE_HOST] = &model_host,
    [VMN_TABLE_NETWORK] = &model_network,
    [VMN_TABLE_PORT] = &model_port,
    [VMN_TABLE_GROUP] = &model_group,
    [VMN_TABLE_SERVICE] = &model_service,
    [VMN_TABLE_TIER] = &model_tier,
    [VMN_TABLE_POLICY] = &model_policy,
    [VMN_TABLE_QUARANTINE] = &model_quarantine,
    [VMN_TABLE_LOADBALANCER] = &model_loadbalancer,
    [VMN_TABLE_APP] = &model_app,
    [VMN_TABLE_ROUTER] = &model_router,
    [VMN_TABLE_FLOATING_IP] = &model_floating_ip,
    [VMN_TABLE_DNS_ZONE] = &model_dns_zone,
    [VMN_TABLE_OBSERVATION] = &model_observation,
    [VMN_TABLE_TOKEN] = &model_token,
    [VMN_TABLE_QUOTA] = &model_quota,
    [VMN_TABLE_BINDING] = &model_binding,
    [VMN_TABLE_HEALTH] = &model_health,
    [VMN_TABLE_VIF] = &model_vif,
    [VMN_TABLE_ACCOUNT] = &none,
    [VMN_TABLE_TELEMETRY] = &none,
    [VMN_TABLE_UNDERLAY] = &none,
};
