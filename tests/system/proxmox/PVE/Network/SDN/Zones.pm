# SPDX-License-Identifier: Apache-2.0
package PVE::Network::SDN::Zones;

# A stand-in for Proxmox VE's module of this name, which the plugin's own file
# of this name has to find and load: it initializes the plugins that are
# registered by then, and hands calls for a VNet to the plugin of its zone.

use strict;
use warnings;

use PVE::Network::SDN::Zones::Plugin;
use VMN::Proxmox;

PVE::Network::SDN::Zones::Plugin->init();

# Returns (plugin, zone, VNet) of a VNet; nothing if it is a plain bridge.
sub of_vnet {
    my ($name) = @_;

    my $config = VMN::Proxmox::read_json('sdn/.running-config');
    my $vnet = $config->{vnets}->{ids}->{$name} or return;
    my $zone = $config->{zones}->{ids}->{ $vnet->{zone} };
    my $plugin =
        PVE::Network::SDN::Zones::Plugin->lookup($zone->{type});
    return ($plugin, $zone, $vnet);
}

sub tap_create {
    my ($iface, $bridge) = @_;

    my ($plugin, $zone, $vnet) = of_vnet($bridge);
    return PVE::Network::tap_create($iface, $bridge) if !$plugin;
    return $plugin->tap_create($zone, $vnet, $iface, $bridge);
}

sub tap_plug {
    my ($iface, $bridge, $tag, $firewall, $trunks, $rate) = @_;

    my ($plugin, $zone, $vnet) = of_vnet($bridge);
    return PVE::Network::tap_plug(
        $iface, $bridge, $tag, $firewall, $trunks, $rate, {},
    ) if !$plugin;
    return $plugin->tap_plug(
        $zone, $vnet, $tag, $iface, $bridge, $firewall, $trunks, $rate,
    );
}

sub veth_create {
    my ($veth, $peer, $bridge, $hwaddr) = @_;

    my ($plugin, $zone, $vnet) = of_vnet($bridge);
    return $plugin->veth_create($zone, $vnet, $veth, $peer, $bridge, $hwaddr);
}

sub add_bridge_fdb {
    my ($iface, $mac, $bridge) = @_;

    my ($plugin, $zone) = of_vnet($bridge);
    return $plugin && $plugin->add_bridge_fdb($zone, $iface, $mac);
}

sub del_bridge_fdb {
    my ($iface, $mac, $bridge) = @_;

    my ($plugin, $zone) = of_vnet($bridge);
    return $plugin && $plugin->del_bridge_fdb($zone, $iface, $mac);
}

1;
