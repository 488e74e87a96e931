/* SPDX-License-Identifier: Apache-2.0
 *
 * The conditions in which health is not "ok".  Each is a reason in GET
 * /v1/status and a series of vmn_health_reason, and has the alerts of
 * deploy/monitoring/vmn-alerts.yml that fire if it lasts.
 * build-aux/check-alerts requires that each alert is here with its severity,
 * or in that script's list of alerts that need a time series. */

#ifndef CONTROLLER_NORTHBOUND_CONDITIONS_H
#define CONTROLLER_NORTHBOUND_CONDITIONS_H 1

/* Expands C(NAME, STATE, CRITICAL, WARNING) for each condition, in the order
 * of the reply: the reason, the state of health that follows from it, and its
 * alerts by severity.  "hosts" is failing if no host is connected. */
#define NB_CONDITIONS(C)                                                \
    C("starting", FAILING, "VmnNotReady", "")                           \
    C("writer", FAILING, "VmnClusterWithoutWriter", "")                 \
    C("store", FAILING,                                                 \
      "VmnStoreFailing VmnStoreCorrupt VmnClusterWithoutMajority", "")  \
    C("hosts", DEGRADED, "VmnHostWithPortsOffline VmnHostDiverged",     \
      "VmnHostOffline VmnHostUnheard VmnPortsUnknown "                  \
      "VmnLoadbalancerBackendsUnheard")                                 \
    C("members", DEGRADED, "",                                          \
      "VmnClusterMemberAway VmnClusterMemberBehind")                    \
    C("gateways", DEGRADED, "VmnRouterWithoutGateway", "")              \
    C("standby", DEGRADED, "", "VmnRouterWithoutStandby")               \
    C("paths", DEGRADED, "VmnPathDown", "VmnPathImpaired")              \
    C("lag", DEGRADED, "VmnInstallStuck", "VmnInstallLagging")          \
    C("disk", DEGRADED,                                                 \
      "VmnDiskNearlyFull VmnClusterDatabaseDiskNearlyFull",             \
      "VmnDiskFilling VmnClusterDatabaseDiskFilling")                   \
    C("files", DEGRADED, "", "VmnFileDescriptorsLow")                   \
    C("app", DEGRADED, "", "VmnAppWorkerDown")                          \
    C("failed", DEGRADED, "", "VmnAppProblems")                         \
    C("late", DEGRADED, "", "")                                         \
    C("conflict", DEGRADED, "", "VmnAppProblems")                       \
    C("overlap", DEGRADED, "", "VmnAppProblems")                        \
    C("unchecked", DEGRADED, "", "")                                    \
    C("certificates", DEGRADED,                                         \
      "VmnCertificateExpiresSoon VmnCaExpiresSoon",                     \
      "VmnCertificateExpires VmnCaExpires VmnCertificateInvalid "       \
      "VmnCaShared")                                                    \
    C("quota", DEGRADED, "", "")                                        \
    C("balancers", DEGRADED, "", "VmnLoadbalancerWithoutBackends")      \
    C("guests", DEGRADED, "", "VmnGuestDown")                           \
    C("subnets", DEGRADED, "", "VmnSubnetNearlyFull")

#define NB_CONDITION_NAME(NAME, STATE, CRITICAL, WARNING) NAME,

#endif /* controller/northbound/conditions.h */
