# SPDX-License-Identifier: Apache-2.0
package PVE::Network::SDN::Zones::VmnPlugin;

# Zones of type "vmn" in Proxmox VE's SDN: a VNet is a network of VMN, and a
# guest's interface in it goes straight into the integration bridge, with the
# iface-id of its port.
#
# Proxmox calls it where it makes the host's network configuration and where it
# plugs an interface: when a guest starts or arrives by migration, when a
# device is plugged into it, and when a device changes its bridge.  Proxmox
# itself takes interfaces off the bridge.  What ports are to be, VMN::Proxmox
# knows.  A guest starts, too, where vmnd is away.
#
# Proxmox has no folder for zone plugins of others: see ../Zones.pm.

use strict;
use warnings;

use PVE::Exception qw(raise_param_exc);
use PVE::Network;
use PVE::Network::SDN::Zones::Plugin;
use PVE::Tools qw(run_command);
use VMN::Proxmox;

use base qw(PVE::Network::SDN::Zones::Plugin);

# What VMN's networks have where no underlay is larger.
my $DEFAULT_MTU = 1450;
my $VSCTL = '/usr/bin/ovs-vsctl';
my $VSCTL_S = 10;

# MAC addresses of containers' interfaces that were made by this process and
# are not in a configuration yet.
my %hwaddr;

sub type {
    return 'vmn';
}

sub properties {
    return {
        'vmn-server' => {
            type => 'string',
            maxLength => 1000,
            description => 'Where vmnd serves its API: https://HOST:PORT, or'
                . ' the members of a cluster with commas between.',
        },
        'vmn-prefix' => {
            type => 'string',
            maxLength => 20,
            default => 'vm',
            description => 'What names of ports begin with, before the ID of'
                . ' the guest; clusters that share a vmnd differ in it.',
        },
        'vmn-labels' => {
            type => 'string',
            maxLength => 1000,
            description => 'Labels of the ports: KEY=VALUE,KEY=VALUE.',
        },
        'vmn-networks' => {
            type => 'string',
            maxLength => 4000,
            description => 'VMN networks of VNets that have other names:'
                . ' VNET=NETWORK,VNET=NETWORK.',
        },
    };
}

sub options {
    return {
        nodes => { optional => 1 },
        mtu => { optional => 1 },
        bridge => { optional => 1 },
        'vmn-server' => { optional => 0 },
        'vmn-prefix' => { optional => 1 },
        'vmn-labels' => { optional => 1 },
        'vmn-networks' => { optional => 1 },
    };
}

# Configuration.  -------------------------------------------------------------

# Raises what a function dies with as a fault of parameter 'name', or of the
# parameter that the sentence begins with.
sub checked {
    my ($name, $function) = @_;

    my $value = eval { $function->() };
    if (my $why = $@) {
        chomp($why);
        $name = $1 if $why =~ s/^(vmn-[a-z]+|bridge): //;
        raise_param_exc({ $name => $why });
    }
    return $value;
}

sub on_update_hook {
    my ($class, $zone_id, $zones) = @_;

    my $zone = $zones->{ids}->{$zone_id};
    checked(
        'zone',
        sub {
            VMN::Proxmox::check_zone($zone);
            VMN::Proxmox::bridge($zone);
        },
    );
    return;
}

sub vnet_update_hook {
    my ($class, $vnets, $vnet_id, $zones) = @_;

    my $vnet = $vnets->{ids}->{$vnet_id};
    my %why = (
        tag => 'networks of VMN have no VLAN tag to be chosen here; where'
            . ' the GUI wants one, make the VNet by pvesh create'
            . ' /cluster/sdn/vnets',
        vlanaware => 'a VNet of VMN is one network; guests that are to be in'
            . ' several have ports with a parent',
        'isolate-ports' => 'who may reach whom is for policies of VMN to say',
    );
    for my $name (sort keys %why) {
        raise_param_exc({ $name => $why{$name} }) if $vnet->{$name};
    }
    my $zone = $zones->{ids}->{ $vnet->{zone} };
    checked('vnet', sub { VMN::Proxmox::network($zone, $vnet_id) });
    return;
}

# Proxmox looks up the MTU of an interface at a link that has the VNet's name,
# and whether that is up: a bridge that nothing is plugged into.
sub generate_sdn_config {
    my ($class, $zone, $zone_id, $vnet_id, $vnet, @more) = @_;
    my ($controller, $controllers, $subnets, $interfaces, $config) = @more;

    return $config if $config->{$vnet_id};
    for my $id (sort keys %{ $subnets->{ids} // {} }) {
        warn "subnet $id of VNet $vnet_id has no effect: the network's subnets"
            . " are those that it has in VMN\n"
            if ($subnets->{ids}->{$id}->{vnet} // '') eq $vnet_id;
    }
    my @lines = (
        'bridge_ports none',
        'bridge_stp off',
        'bridge_fd 0',
        'mtu ' . $class->get_mtu($zone),
    );
    push @lines, "alias $vnet->{alias}" if $vnet->{alias};
    $config->{$vnet_id} = \@lines;
    return $config;
}

sub get_mtu {
    my ($class, $zone) = @_;

    return $zone->{mtu} // $DEFAULT_MTU;
}

sub status {
    my ($class, $zone, $zone_id, $vnet_id, $vnet, $status) = @_;

    my $faults = $class->generate_status_message($vnet_id, $status);
    my $bridge = VMN::Proxmox::bridge($zone);
    push @$faults, "bridge $bridge is missing: vmnd makes it on its hosts"
        if !-d "/sys/class/net/$bridge";
    return $faults;
}

# Interfaces.  ----------------------------------------------------------------

sub veth_create {
    my ($class, $zone, $vnet, $veth, $peer, $vnet_id, $hwaddr) = @_;

    $hwaddr{$veth} = lc($hwaddr) if $hwaddr;
    return $class->SUPER::veth_create(
        $zone, $vnet, $veth, $peer, $vnet_id, $hwaddr,
    );
}

# Runs ovs-vsctl; dies with what it says.
sub vsctl {
    my (@args) = @_;

    my $text = '';
    my $collect = sub { $text .= "$_[0] " };
    eval {
        run_command(
            [$VSCTL, "--timeout=$VSCTL_S", @args],
            outfunc => sub { }, errfunc => $collect,
        );
    };
    die $text || $@ if $@;
    return;
}

# Returns the interface that Proxmox's firewall puts into a bridge of Open
# vSwitch in place of a guest's.
sub firewall_interface {
    my ($device) = @_;

    return "fwln$device->{vmid}o$device->{index}";
}

# Puts the interface into the bridge.  One transaction has both the interface
# and its iface-id; with Proxmox's firewall, whose bridge is Proxmox's to make,
# the iface-id follows.
sub plug {
    my ($iface, $device, $bridge, $iface_id, $firewall) = @_;

    my @ids = ("external_ids:iface-id=$iface_id");
    push @ids, "external_ids:attached-mac=\"$device->{mac}\""
        if $device->{mac};
    if ($firewall) {
        PVE::Network::tap_plug(
            $iface, $bridge, undef, 1, undef, undef, { learning => 1 },
        );
        vsctl('set', 'Interface', firewall_interface($device), @ids);
        return;
    }
    # As it may be in another bridge still, or in this one since before the
    # node was switched off.
    PVE::Network::tap_unplug($iface);
    vsctl(
        '--', 'add-port', $bridge, $iface,
        '--', 'set', 'Interface', $iface, @ids,
    );
    return;
}

sub tap_plug {
    my ($class, $zone, $vnet, $tag, $iface, $vnet_id, @more) = @_;
    my ($firewall, $trunks, $rate) = @more;

    die "VNet $vnet_id is a network of VMN: its devices have no VLAN tag\n"
        if $tag;
    die "VNet $vnet_id is a network of VMN: its devices have no trunks\n"
        if $trunks;
    $iface =~ /^((?:tap|veth)[0-9]+i[0-9]+)$/
        or die "no name of a guest's interface: \"$iface\"\n";
    $iface = $1;
    my $device = VMN::Proxmox::device_of_interface($iface, $vnet_id);
    $device->{mac} = delete($hwaddr{$iface}) // $device->{mac};
    my $bridge = VMN::Proxmox::bridge($zone);
    my $iface_id =
        VMN::Proxmox::iface_id($zone, @$device{ 'vmid', 'index' }, $vnet_id);
    # Whether a device has a firewall Proxmox asks of the VNet's own bridge,
    # which is not where the device is.
    eval {
        plug(
            $iface, $device, $bridge, $iface_id,
            $firewall || $device->{firewall},
        );
    };
    if (my $why = $@) {
        $why =~ s/\s+$//;
        die "$iface cannot be plugged into $bridge, which vmnd makes on its"
            . " hosts: $why\n";
    }
    PVE::Network::tap_rate_limit($iface, $rate);
    my $fault =
        VMN::Proxmox::plugged($vnet->{zone}, $zone, $vnet_id, $device);
    warn "VMN: $fault\n" if defined($fault);
    return;
}

# Forwarding entries are flows, which vmnd makes.
sub add_bridge_fdb {
    return;
}

# Proxmox calls it on the node that a VM leaves, just before the VM goes on at
# the other one: the port is that one's from now on.
sub del_bridge_fdb {
    my ($class, $zone, $iface, $mac) = @_;

    my ($vmid, $index) = $iface =~ /^tap([0-9]+)i([0-9]+)$/ or return;
    my $device = { vmid => $vmid, index => $index };
    for my $name ("tap${vmid}i$index", firewall_interface($device)) {
        eval {
            vsctl(
                '--if-exists', 'remove', 'Interface', $name, 'external_ids',
                'iface-id',
            );
        };
        warn "VMN: $name keeps its port until it is unplugged: $@\n" if $@;
    }
    return;
}

1;
