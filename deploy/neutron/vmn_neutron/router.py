# SPDX-License-Identifier: Apache-2.0
"""The service plugin "vmn-router": routers and floating IPs.  Neutron's own
code keeps them in the database; this has VMN do what they say.

What VMN cannot do is refused before anything is written.  What vmnd itself
refuses of something new is taken back, and the API says why; a change of what
is there stays in the database then, and the API says why as well."""

import contextlib

from neutron.db import extraroute_db
from neutron.db import l3_gwmode_db
from neutron.db.models import l3 as l3_models
from neutron.quota import resource_registry
from neutron_lib.callbacks import events
from neutron_lib.callbacks import registry
from neutron_lib.callbacks import resources
from neutron_lib import constants
from neutron_lib import context as n_context
from neutron_lib.plugins import constants as plugin_constants
from neutron_lib.plugins import directory
from neutron_lib.services import base
from oslo_log import log

from vmn_neutron import driver
from vmn_neutron import translate

LOG = log.getLogger(__name__)


class VmnRouterPlugin(base.ServicePluginBase,
                      extraroute_db.ExtraRoute_dbonly_mixin,
                      l3_gwmode_db.L3_NAT_dbonly_mixin):
    is_vmn = True
    supported_extension_aliases = ["router", "ext-gw-mode", "extraroute"]

    @resource_registry.tracked_resources(router=l3_models.Router,
                                         floatingip=l3_models.FloatingIP)
    def __init__(self):
        super().__init__()
        router, floating = resources.ROUTER, resources.FLOATING_IP
        for resource, event in (
                (router, events.PRECOMMIT_CREATE),
                (router, events.PRECOMMIT_UPDATE),
                (router, events.PRECOMMIT_DELETE),
                (floating, events.PRECOMMIT_CREATE),
                (floating, events.PRECOMMIT_UPDATE),
                (floating, events.PRECOMMIT_DELETE)):
            registry.subscribe(self._mark, resource, event)
        # Also of what a port's end takes away from it.
        registry.subscribe(self._floating_ip_changed, floating,
                           events.AFTER_UPDATE)

    @classmethod
    def get_plugin_type(cls):
        return plugin_constants.L3

    def get_plugin_description(self):
        return "Routers and floating IPs of VMN"

    @property
    def driver(self):
        return driver.of_plugin()

    @property
    def core(self):
        return directory.get_plugin()

    def _mark(self, resource, event, trigger, payload):
        ident = payload.resource_id or payload.desired_state["id"]
        self.driver.mark([("router" if resource == resources.ROUTER
                           else "floating_ip", ident)])

    def follow(self, context, keys):
        """Says in Neutron what is so now that vmnd has been told of
        'keys'."""
        routers = [ident for kind, ident in keys if kind == "router"]
        if routers:
            for port in self.core.get_ports(context, filters={
                    "device_id": routers, "device_owner": [
                        constants.DEVICE_OWNER_ROUTER_INTF,
                        constants.DEVICE_OWNER_ROUTER_GW]}):
                if port["status"] != constants.PORT_STATUS_ACTIVE:
                    self.core.update_port_status(
                        context, port["id"], constants.PORT_STATUS_ACTIVE)
        self._follow_floating_ips(context, [
            key for key in keys if key[0] == "floating_ip"])

    def _follow_floating_ips(self, context, keys):
        if not keys:
            return
        wanted = self.driver.source.read(keys)
        for one in self.get_floatingips(context, filters={
                "id": [ident for _, ident in keys]}):
            status = constants.FLOATINGIP_STATUS_ACTIVE \
                if wanted.get(("floating_ip", one["id"])) \
                else constants.FLOATINGIP_STATUS_DOWN
            if one["status"] != status:
                self.update_floatingip_status(context, one["id"], status)

    @contextlib.contextmanager
    def _or_back(self, back):
        """Takes back what vmnd refuses."""
        try:
            yield
        except driver.RefusedByVmn:
            try:
                back()
            except Exception:
                LOG.exception("what vmnd refuses could not be taken back")
            raise

    # Routers.  ------------------------------------------------------------

    def _check_router(self, context, router, router_id=None):
        outside = router.get("external_gateway_info") or {}
        if outside.get("network_id"):
            driver.supported(translate.check_gateway, self.core.get_network(
                context.elevated(), outside["network_id"]))
        routes = router.get("routes")
        if routes and routes is not constants.ATTR_NOT_SPECIFIED:
            driver.supported(translate.check_routes, routes,
                             self._cidrs(router_id))

    def _cidrs(self, router_id):
        context = n_context.get_admin_context()
        ports = self.driver.source.interfaces(context, [router_id]).get(
            router_id, []) if router_id else []
        ids = [f["subnet_id"] for p in ports for f in p["fixed_ips"]]
        return [s["cidr"] for s in self.core.get_subnets(
            context, filters={"id": ids})] if ids else []

    def _routers(self, router_id):
        """The keys of a router and of its floating IPs, which VMN has where
        it has the router."""
        return [("router", router_id)] + [
            ("floating_ip", f["id"]) for f in self.get_floatingips(
                n_context.get_admin_context(),
                filters={"router_id": [router_id]})]

    def create_router(self, context, router):
        self._check_router(context, router["router"])
        made = super().create_router(context, router)
        key = ("router", made["id"])
        with self._or_back(lambda: self.delete_router(context, made["id"])):
            self.driver.tell([key])
        return self.get_router(context, made["id"])

    def update_router(self, context, id, router):
        self._check_router(context, router["router"], id)
        super().update_router(context, id, router)
        self.driver.tell(self._routers(id))
        return self.get_router(context, id)

    def delete_router(self, context, id):
        super().delete_router(context, id)
        self.driver.tell([("router", id)])

    def add_router_interface(self, context, router_id, interface_info=None):
        info = interface_info or {}
        admin = context.elevated()
        net = None
        if info.get("port_id"):
            net = self.core.get_port(admin, info["port_id"])["network_id"]
        elif info.get("subnet_id"):
            net = self.core.get_subnet(admin, info["subnet_id"])["network_id"]
        if net:
            driver.supported(translate.check_interface,
                             self.core.get_network(admin, net))
        made = super().add_router_interface(context, router_id,
                                            interface_info)
        with self._or_back(lambda: self.remove_router_interface(
                context, router_id, {"port_id": made["port_id"]})):
            self.driver.tell(self._routers(router_id))
        return made

    def remove_router_interface(self, context, router_id, interface_info):
        gone = super().remove_router_interface(context, router_id,
                                               interface_info)
        self.driver.tell(self._routers(router_id))
        return gone

    # Floating IPs.  -------------------------------------------------------

    def _check_floating_ip(self, context, floating, ident=None):
        port_id = floating.get("port_id")
        if not port_id:
            return
        admin = context.elevated()
        driver.supported(
            translate.check_floating_ip,
            floating.get("fixed_ip_address") or "0.0.0.0",
            self.core.get_port(admin, port_id))
        others = [f["id"] for f in self.get_floatingips(
            admin, filters={"port_id": [port_id]}) if f["id"] != ident]
        if others:
            driver.supported(_one_only, port_id, others[0])

    def create_floatingip(self, context, floatingip,
                          initial_status=constants.FLOATINGIP_STATUS_DOWN):
        self._check_floating_ip(context, floatingip["floatingip"])
        made = super().create_floatingip(context, floatingip, initial_status)
        with self._or_back(lambda: self.delete_floatingip(context,
                                                          made["id"])):
            self.driver.tell([("floating_ip", made["id"])])
        return self.get_floatingip(context, made["id"])

    def update_floatingip(self, context, id, floatingip):
        self._check_floating_ip(context, floatingip["floatingip"], id)
        super().update_floatingip(context, id, floatingip)
        self.driver.tell([("floating_ip", id)])
        return self.get_floatingip(context, id)

    def delete_floatingip(self, context, id):
        super().delete_floatingip(context, id)
        self.driver.tell([("floating_ip", id)])

    def _floating_ip_changed(self, resource, event, trigger, payload):
        self.driver.tell([("floating_ip", payload.resource_id)])


def _one_only(port_id, other):
    raise translate.Unsupported(
        "port %s has floating IP %s already: VMN's ports have one of each "
        "family" % (port_id, other))
