# SPDX-License-Identifier: Apache-2.0
"""The ML2 mechanism driver "vmn": networks, subnets, ports, their bindings,
and security groups.

Before Neutron commits, what VMN cannot do is refused (translate.check_...()),
and what is about to change is marked (spool).  After the commit vmnd is told
(sync).  No agent is asked for anything: vmnd knows where a port is plugged,
and says so by events, which the worker follows."""

from neutron.db import provisioning_blocks
from neutron.db.models import allowed_address_pair
from neutron.db import models_v2
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events
from neutron_lib.callbacks import registry
from neutron_lib.callbacks import resources
from neutron_lib import constants
from neutron_lib import context as n_context
from neutron_lib.db import api as db_api
from neutron_lib import exceptions as n_exc
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg
from oslo_log import log

from vmn_neutron import client as vmn
from vmn_neutron import settings
from vmn_neutron import source as sources
from vmn_neutron import spool
from vmn_neutron import sync
from vmn_neutron import translate
from vmn_neutron import worker

LOG = log.getLogger(__name__)

NAME = "vmn"

# What ML2 offers and VMN does not have: Neutron's API then says that there is
# no such attribute.
LACKING = {
    "stateful-security-group", "extra_dhcp_opt", "vlan-transparent",
    "multi-provider", "dhcp_agent_scheduler", "availability_zone",
    "network_availability_zone", "availability_zone_filter",
    "port-numa-affinity-policy", "port-device-profile",
    "port-resource-request", "uplink-status-propagation"}

# What of a port vmnd is told nothing of.
UNTOLD = {"status", "updated_at", "revision_number"}

_DETAILS = {portbindings.CAP_PORT_FILTER: True,
            portbindings.OVS_HYBRID_PLUG: False,
            portbindings.VIF_DETAILS_BRIDGE_NAME: "br-int",
            portbindings.VIF_DETAILS_CONNECTIVITY:
            portbindings.CONNECTIVITY_L2}


class RefusedByVmn(n_exc.Conflict):
    message = "VMN refuses it: %(reason)s"


def supported(check, *args, **kwargs):
    """Refuses what VMN cannot do as Neutron refuses what is wrong."""
    try:
        check(*args, **kwargs)
    except translate.Unsupported as error:
        raise n_exc.InvalidInput(error_message="VMN cannot do this: %s"
                                 % error)


def of_plugin():
    """Returns the driver of the core plugin."""
    try:
        manager = directory.get_plugin().mechanism_manager
        return manager.mech_drivers[NAME].obj
    except (AttributeError, KeyError):
        raise n_exc.InvalidConfigurationOption(
            opt_name="ml2.mechanism_drivers", opt_value="without %s" % NAME)


class VmnMechanismDriver(api.MechanismDriver):
    def initialize(self):
        self.settings = settings.register()
        self.client = vmn.of_settings(self.settings)
        self.source = sources.Source(self.client, self.settings)
        self.spool = spool.Spool(settings.spool_directory(cfg.CONF))
        self.sync = sync.Synchronizer(self.client, self.source, self.spool)
        self._subscribe()

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def supported_extensions(self, extensions):
        return {e for e in extensions
                if e not in LACKING and not e.startswith("qos-")}

    def check_vlan_transparency(self, context):
        return False

    def get_workers(self):
        return [worker.Worker(self)]

    # Telling.  ------------------------------------------------------------

    def mark(self, keys):
        for key in keys:
            self.spool.begin(key)

    def tell(self, keys, expected=()):
        """Tells vmnd of 'keys', if it can be reached, and Neutron what
        follows.  Raises RefusedByVmn."""
        try:
            told = self.sync.tell(keys, expected)
        except vmn.Refused as refused:
            raise RefusedByVmn(reason=refused)
        if told:
            try:
                self.follow(keys)
            except Exception:
                # What vmnd has been told is so; the rest is the worker's.
                LOG.exception("Neutron is told later what vmnd says")
                self.spool.retry(keys)

    def follow(self, keys):
        """Says in Neutron what is so now that vmnd has been told of
        'keys'."""
        context = n_context.get_admin_context()
        for kind, ident in keys:
            if kind == "port":
                # It may have been plugged before; later there is an event.
                self.look_at_port(context, ident)
        if self.source.l3:
            self.source.l3.follow(context, keys)

    def look_at_port(self, context, port_id):
        for port in self.source.ports(context, [port_id]):
            if translate.is_bound(port):
                try:
                    found = self.client.get("ports", port_id)
                except vmn.Unreachable:
                    return
                if found:
                    self.port_is(context, port, found["status"])

    def port_is(self, context, port, status):
        """Takes in that a port's 'status' in vmnd is so."""
        state = status.get("state")
        here = status.get("host") == translate.host_name(
            port[portbindings.HOST_ID])
        plugin = self.source.plugin
        if state == "up" and here:
            if port["status"] != constants.PORT_STATUS_ACTIVE and \
                    port["admin_state_up"]:
                provisioning_blocks.provisioning_complete(
                    context, port["id"], resources.PORT,
                    provisioning_blocks.L2_AGENT_ENTITY)
        elif state in ("unbound", "down"):
            if port["status"] == constants.PORT_STATUS_ACTIVE:
                plugin.update_port_status(context, port["id"],
                                          constants.PORT_STATUS_DOWN)

    # Networks.  -----------------------------------------------------------

    def create_network_precommit(self, context):
        supported(translate.check_network, context.network_segments,
                  context.current.get("vlan_transparent"))
        self.mark([("network", context.current["id"])])

    def create_network_postcommit(self, context):
        key = ("network", context.current["id"])
        self.tell([key], [key])

    def update_network_precommit(self, context):
        supported(translate.check_network, context.network_segments,
                  context.current.get("vlan_transparent"))
        self.mark([("network", context.current["id"])])

    def update_network_postcommit(self, context):
        self.tell([("network", context.current["id"])])

    def delete_network_precommit(self, context):
        self.mark([("network", context.current["id"])])

    delete_network_postcommit = update_network_postcommit

    def create_subnet_precommit(self, context):
        supported(translate.check_subnet, context.current)
        self.mark([("network", context.current["network_id"])])

    update_subnet_precommit = create_subnet_precommit

    def create_subnet_postcommit(self, context):
        self.tell([("network", context.current["network_id"])])

    update_subnet_postcommit = create_subnet_postcommit
    delete_subnet_postcommit = create_subnet_postcommit

    def delete_subnet_precommit(self, context):
        self.mark([("network", context.current["network_id"])])

    # Ports.  --------------------------------------------------------------

    def _keys_of_port(self, context):
        ports = [context.current]
        if getattr(context, "original", None):
            ports.append(context.original)
        keys = self.source.followers(n_context.get_admin_context()
                                     if context._vmn_committed
                                     else context._plugin_context.elevated(),
                                     ports)
        if any(translate.is_vm(p) for p in ports):
            keys.add(("port", context.current["id"]))
        return keys

    def _precommit_port(self, context):
        context._vmn_committed = False
        self.mark(self._keys_of_port(context))

    def _tell_of_port(self, context, expected=()):
        context._vmn_committed = True
        self.tell(self._keys_of_port(context), expected)

    def create_port_precommit(self, context):
        self._check_port(context)
        self._precommit_port(context)

    def update_port_precommit(self, context):
        if _is_untold(context):
            return
        self._check_port(context)
        self._precommit_port(context)

    def delete_port_precommit(self, context):
        self._precommit_port(context)

    def create_port_postcommit(self, context):
        self._tell_of_port(context)

    def update_port_postcommit(self, context):
        if _is_untold(context):
            return
        try:
            self._tell_of_port(context)
        except RefusedByVmn as refused:
            # ML2 writes this into its log and goes on.
            LOG.error("port %s: %s", context.current["id"], refused)
            directory.get_plugin().update_port_status(
                n_context.get_admin_context(), context.current["id"],
                constants.PORT_STATUS_ERROR)
            raise

    def delete_port_postcommit(self, context):
        self._tell_of_port(context)

    def _check_port(self, context):
        port = context.current
        supported(translate.check_port, port)
        if not translate.is_vm(port):
            return
        self._check_pairs(context._plugin_context.elevated(), port)
        if context.host and \
                port["status"] != constants.PORT_STATUS_ACTIVE and \
                port[portbindings.VNIC_TYPE] == portbindings.VNIC_NORMAL:
            provisioning_blocks.add_provisioning_component(
                context._plugin_context, port["id"], resources.PORT,
                provisioning_blocks.L2_AGENT_ENTITY)

    def _check_pairs(self, context, port):
        """A single address that a port is allowed must not be that of another
        one that is somewhere."""
        pairs = [pair["ip_address"] for pair in
                 port.get("allowed_address_pairs") or ()]
        if pairs:
            for other in self.source.plugin.get_ports(context, filters={
                    "network_id": [port["network_id"]],
                    "fixed_ips": {"ip_address": pairs}}):
                if other["id"] != port["id"] and (
                        translate.is_bound(other)
                        or not translate.is_vm(other)):
                    raise n_exc.InvalidInput(
                        error_message="VMN cannot do this: an allowed address "
                        "that port %s has" % other["id"])
        if port.get(portbindings.HOST_ID):
            other = self._who_is_allowed(context, port)
            if other:
                raise n_exc.InvalidInput(
                    error_message="VMN cannot do this: port %s has addresses "
                    "that port %s is allowed" % (port["id"], other))

    @staticmethod
    def _who_is_allowed(context, port):
        """Returns the id of another port that is allowed an address of
        'port'."""
        pair, other = (allowed_address_pair.AllowedAddressPair,
                       models_v2.Port)
        ips = [f["ip_address"] for f in port["fixed_ips"]]
        ips += ["%s/%d" % (ip, 128 if ":" in ip else 32) for ip in ips]
        with db_api.CONTEXT_READER.using(context):
            found = context.session.query(pair.port_id).join(
                other, other.id == pair.port_id).filter(
                pair.ip_address.in_(ips), other.id != port["id"],
                other.network_id == port["network_id"]).first()
        return found and found[0]

    def bind_port(self, context):
        port = context.current
        if port[portbindings.VNIC_TYPE] != portbindings.VNIC_NORMAL:
            LOG.error("port %s is not bound: VMN has no ports of type %s",
                      port["id"], port[portbindings.VNIC_TYPE])
            return
        host = translate.host_name(context.host)
        try:
            if not self.client.get("hosts", host):
                LOG.error("port %s is not bound: vmnd has no host %s",
                          port["id"], host)
                return
        except vmn.Refused:
            LOG.error("port %s is not bound: %s is no name of a host",
                      port["id"], host)
            return
        except vmn.Unreachable as error:
            LOG.warning("port %s is bound to %s unseen: %s", port["id"], host,
                        error)
        for segment in context.segments_to_bind:
            context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OVS,
                                dict(_DETAILS))
            return

    # Security groups.  ----------------------------------------------------

    def _subscribe(self):
        group, rule = resources.SECURITY_GROUP, resources.SECURITY_GROUP_RULE
        for resource, event, method in (
                (group, events.PRECOMMIT_CREATE, self._mark_group),
                (group, events.PRECOMMIT_UPDATE, self._mark_group),
                (group, events.PRECOMMIT_DELETE, self._mark_group),
                (group, events.AFTER_CREATE, self._group_made),
                (group, events.AFTER_UPDATE, self._group_changed),
                (group, events.AFTER_DELETE, self._group_changed),
                (rule, events.PRECOMMIT_CREATE, self._rule_comes),
                (rule, events.PRECOMMIT_DELETE, self._rule_goes),
                (rule, events.AFTER_CREATE, self._rule_made),
                (rule, events.AFTER_DELETE, self._rule_gone)):
            registry.subscribe(method, resource, event)

    def _mark_group(self, resource, event, trigger, payload):
        keys = {("security_group", payload.resource_id)}
        if event == events.PRECOMMIT_DELETE:
            # Rules that name it go with it.
            keys |= {("security_group", r["security_group_id"]) for r in
                     self.source.plugin.get_security_group_rules(
                         payload.context.elevated(), filters={
                             "remote_group_id": [payload.resource_id]})}
        self.mark(keys)

    def _group_made(self, resource, event, trigger, payload):
        key = ("security_group", payload.resource_id)
        self.tell([key], [key])

    def _group_changed(self, resource, event, trigger, payload):
        self.tell({("security_group", payload.resource_id)}
                  | self.spool.marked("security_group"))

    def _rule_comes(self, resource, event, trigger, payload):
        supported(translate.check_rule, payload.latest_state)
        self.mark(_keys_of_rule(payload.latest_state))

    def _rule_goes(self, resource, event, trigger, payload):
        self.mark(_keys_of_rule(self.source.plugin.get_security_group_rule(
            payload.context.elevated(), payload.resource_id)))

    def _rule_made(self, resource, event, trigger, payload):
        self.tell(_keys_of_rule(payload.latest_state))

    def _rule_gone(self, resource, event, trigger, payload):
        self.tell({("security_group", payload.metadata["security_group_id"])}
                  | self.spool.marked("security_group"))


def _keys_of_rule(rule):
    """The group that has it, and the one whose members it names."""
    return {("security_group", group) for group in (
        rule.get("security_group_id"), rule.get("remote_group_id")) if group}


def _is_untold(context):
    """Whether a port has changed in nothing that vmnd is told of."""
    def told(port):
        return {k: v for k, v in port.items() if k not in UNTOLD}
    return told(context.current) == told(context.original)
