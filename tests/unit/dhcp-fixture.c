/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the app dhcp share; see dhcp-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "controller/engine/packet-handler.h"
#include "controller/model/model.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/dhcp-fixture.h"
#include "util.h"

static const char *const apps[] = {
    "overlay",
    "dhcp",
    NULL,
};

/* Two ports in a network with a subnet of each family that has DHCP, one that
 * guests make their addresses in, and one that is left to itself. */
#define ROWS                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"          \
    "'networks/shop': {'vni': 100, 'mtu': 1400, 'subnets': ["               \
    "  {'cidr': '10.0.0.0/22', 'gateway': '10.0.0.1', 'dhcp': true,"        \
    "   'dhcp_options': {'domain': 'sub.example'}},"                        \
    "  {'cidr': '10.9.0.0/24'},"                                            \
    "  {'cidr': 'fd00::/64', 'dhcp': true},"                                \
    "  {'cidr': 'fd01::/64', 'slaac': true}],"                              \
    " 'dhcp_options': {'lease_time': 1000, 'domain': 'net.example',"        \
    "   'dns': ['10.0.0.53', 'fd00::53'], 'ntp': ['10.0.0.123',"            \
    "   'fd00::123'], 'boot_server': '10.0.0.69', 'boot_file': 'boot'}},"   \
    "'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01',"            \
    " 'ips': ['10.0.1.1', '10.9.0.1', 'fd00::1',"                           \
    "         'fd01::ff:fe00:1']}," \
    "'ports/b': {'network': 'shop', 'mac': '02:00:00:00:00:02',"            \
    " 'ips': ['10.0.1.2'], 'dhcp_options': {'lease_time': 2000,"            \
    "   'hostname': 'bee.example'}},"                                       \
    "'ports/none': {'network': 'shop', 'mac': '02:00:00:00:00:03',"         \
    " 'ips': ['10.9.0.3']},"                                                \
    "'bindings/a': {'host': 'h1'}, 'bindings/b': {'host': 'h1'}"

int
dhcp_setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->apps = apps_fixture_create(apps);
    apps_fixture_apply(f->apps, "{" ROWS "}");
    apps_fixture_check(f->apps);
    engine_packets_out_init(&f->out);
    *state = f;
    return 0;
}

int
dhcp_teardown(void **state)
{
    struct fixture *f = *state;

    engine_packets_out_uninit(&f->out);
    apps_fixture_destroy(f->apps);
    free(f);
    return 0;
}

/* Has the handler answer a frame of 'port'; returns why it did not, or NULL
 * with the answer in 'f'. */
const char *
ask(struct fixture *f, const char *handler, const char *port,
    const uint8_t *frame, size_t size)
{
    struct vmn_packet_in in = {
        .host = "h1", .in_port = 1, .bytes = frame, .size = size,
        .full_size = size,
        .port = (port ? model_get_durable(apps_fixture_model(f->apps),
                                          VMN_TABLE_PORT, port, NULL) : NULL),
    };

    apps_fixture_handle(f->apps, handler, &in, &f->out);
    if (!f->out.n) {
        return f->out.reason ? f->out.reason : "nothing to say";
    }
    assert_int_equal(f->out.n, 1);
    assert_int_equal(f->out.sends[0].to, ENGINE_SEND_BACK);
    f->size = f->out.sends[0].size;
    memcpy(f->frame, f->out.bytes.data, f->size);
    return NULL;
}

struct vmn_mac
mac_of(const char *port)
{
    struct vmn_mac mac = { { 2, 0, 0, 0, 0, port[0] - 'a' + 1 } };

    return *port == 'n' ? (struct vmn_mac) { { 2, 0, 0, 0, 0, 3 } } : mac;
}
