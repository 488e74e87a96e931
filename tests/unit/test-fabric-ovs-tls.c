/* SPDX-License-Identifier: Apache-2.0
 *
 * Which certificates the fabric and a real ovs-vswitchd take of each other,
 * and that they are renewed without a restart.
 *
 * Skipped where Open vSwitch is not installed. */

#include <config.h>

#include "tests/unit/fabric-ovs-fixture.h"

#include <string.h>
#include <time.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "proto/openflow/ofconn.h"
#include "proto/tls/tls.h"
#include "tests/unit/listening.h"
#include "util.h"

/* What openssl-req(1) makes in no time; RSA takes seconds under load. */
#define NEW_KEY "ec -pkeyopt ec_paramgen_curve:P-256"

/* A CA, unless there is one already, and a certificate of it for both sides,
 * of host 'cn'; with names that begin with 'prefix'. */
static void
make_pki(const char *prefix, const char *cn)
{
    shell("cd %s && { [ -e %sca.pem ] || openssl req -x509 -newkey " NEW_KEY
          " -nodes -days 2 -subj /CN=ca -keyout %scakey.pem -out %sca.pem"
          " 2>/dev/null; }"
          " && openssl req -newkey " NEW_KEY " -nodes -subj /CN=%s"
          " -keyout new-key.pem -out req.pem 2>/dev/null"
          " && openssl x509 -req -in req.pem -CA %sca.pem -CAkey %scakey.pem"
          " -CAcreateserial -days 2 -out new-cert.pem 2>/dev/null"
          " && mv new-cert.pem %scert.pem && mv new-key.pem %skey.pem",
          ovs_dir, prefix, prefix, prefix, cn, prefix, prefix, prefix,
          prefix);
}

static int
setup_tls(void **state OVS_UNUSED)
{
    ovs_make_dir();
    make_pki("", "h1");
    make_pki("other", "h1");
    shell("cp %s/ca.pem %s/wrongca.pem; cp %s/cakey.pem %s/wrongcakey.pem",
          ovs_dir, ovs_dir, ovs_dir, ovs_dir);
    make_pki("wrong", "h2");
    fixture_start("ssl:127.0.0.1:0", ovs_dir, NULL, ovs_modules);
    ovs_target = xasprintf("ssl:127.0.0.1:%u", listening_port());
    fill_shop();
    ovs_start();
    return 0;
}

/* Gives the switch the certificate whose names begin with 'prefix'. */
static void
set_ssl(const char *prefix)
{
    shell("ovs-vsctl --no-wait --db=unix:%s/db.sock"
          " set-ssl %s/%skey.pem %s/%scert.pem %s/ca.pem", ovs_dir, ovs_dir,
          prefix, ovs_dir, prefix, ovs_dir);
}

static void
tls_takes_certificates_of_its_ca_only(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    uint64_t n_failed;

    fabric_host_set_datapath(h1(), OVS_DPID);
    fabric_host_set_reported(h1());
    set_ssl("other");
    fabric_get_stats(fabric, &stats);
    n_failed = stats.n_conns_failed;
    do {
        fixture_turn();
        fabric_get_stats(fabric, &stats);
    } while (stats.n_conns_failed < n_failed + 2 && !h1()->sw->conn);
    assert_null(h1()->sw->conn);

    set_ssl("");
    until_synced();
    check_counts();
    assert_int_equal(strncmp(ofconn_peer(h1()->sw->conn), "ssl:", 4), 0);
}

static uint64_t
n_accepted(void)
{
    struct ofserver_stats stats;

    ofserver_get_stats(switch_listener_server(fabric), &stats);
    return stats.n_accepted;
}

static void
certificate_speaks_for_its_host_alone(void **state OVS_UNUSED)
{
    uint64_t before = n_accepted();

    fabric_host_set_datapath(h1(), OVS_DPID);
    fabric_host_set_reported(h1());
    set_ssl("wrong");
    FIXTURE_TURN_UNTIL(fixture_turn, n_accepted() > before + 2);
    assert_null(h1()->sw->conn);

    set_ssl("");
    until_synced();
}

static void
certificates_are_renewed_without_a_restart(void **state OVS_UNUSED)
{
    struct tls_info info, first;

    set_ssl("");
    until_synced();
    tls_get_info(fabric_tls(fabric), &first);
    assert_int_equal(first.n_loads, 1);
    assert_true(first.expires_s > time(NULL));

    make_pki("", "h1");
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_loads == 2));
    /* Half of what belongs together, and rubbish, change nothing. */
    shell("cp %s/otherkey.pem %s/key.pem", ovs_dir, ovs_dir);
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_failures == 1));
    shell("echo rubbish >%s/cert.pem", ovs_dir);
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_failures == 2));
    assert_non_null(strstr(info.error, "cert.pem"));
    assert_int_equal(info.n_loads, 2);
    /* The switch's own files are the same. */
    make_pki("", "h1");
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_loads == 3));
    switch_disconnect(h1()->sw, "as a test");
    until_synced();
    assert_null(info.error);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, setup_tls, ovs_teardown)
        T(tls_takes_certificates_of_its_ca_only),
        T(certificate_speaks_for_its_host_alone),
        T(certificates_are_renewed_without_a_restart),
#undef T
    };

    return ovs_run_all(argv, tests, ARRAY_SIZE(tests));
}
