# SPDX-License-Identifier: Apache-2.0
package VMN::Proxmox;

# Keeps ports of VMN in accord with the guests of a Proxmox VE cluster: each
# network device of a guest that is in a VNet of a zone of type "vmn" has a
# port.  The zone plugin calls it for the device that it plugs, and
# vmn-proxmox for all of them.
#
# It reads Proxmox's files (/etc/pve) and needs no module of Proxmox's; so it
# is the same in QEMU's scripts, in the daemons and in a timer.
#
#   sdn/.running-config       zones and VNets, as they were applied: JSON
#   .vmlist, .members         which guests there are; whether there is quorum
#   nodes/NODE/qemu-server/   a file for each VM, nodes/NODE/lxc/ of each
#                             container
#   priv/vmn/ZONE.token       the token of vmnd's API; only root reads it
#   priv/vmn/ZONE.ca.pem      the CA of vmnd's certificate
#
# Of a port that is there it changes the network, the MAC address, the iface-id
# and labels that begin with "proxmox/" or that the zone names.  Everything
# else is the operator's.

use strict;
use warnings;

use JSON::PP ();
use VMN::Client;

our $ETC = '/etc/pve';
our $RUN = '/run/vmn-proxmox';

my $DEFAULT_BRIDGE = 'br-int';
my $DEFAULT_PREFIX = 'vm';
my $AWAY_S = 30;                # For how long vmnd is not asked again.
my $TRIES = 3;                  # Of a change that another one overtakes.
my $FILE_SIZE = 4 << 20;

my $NAME = qr/[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?/;
my $LABEL = qr/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?/;
my $MAC = qr/[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}/;

# The zone's configuration.  --------------------------------------------------

# Dies unless a zone's properties are of use.
sub check_zone {
    my ($zone) = @_;

    my @servers = servers($zone);
    for my $server (@servers ? @servers : '') {
        die "vmn-server: must be https://HOST:PORT, where vmnd serves its API,"
            . " or several with commas between: \"$server\"\n"
            if $server !~ m{^https://[A-Za-z0-9.:\[\]-]+:[0-9]+/?$}
            && $server !~ m{^http://(?:127\.0\.0\.1|\[::1\]):[0-9]+/?$};
    }
    my $prefix = prefix($zone);
    die "vmn-prefix: must be 1 to 20 of a-z, 0-9 and '-', beginning with a"
        . " letter: \"$prefix\"\n"
        if $prefix !~ /^[a-z][a-z0-9-]{0,19}$/;
    my $labels = pairs($zone->{'vmn-labels'});
    for my $key (sort keys %$labels) {
        die "vmn-labels: must be KEY=VALUE with commas between: \"$key\"\n"
            if $key !~ m{^(?:$NAME/)?$LABEL$}
            || ($labels->{$key} // 'no value') !~ /^(?:$LABEL)?$/;
        die "vmn-labels: labels \"proxmox/...\" are not to be chosen\n"
            if $key =~ m{^proxmox/};
    }
    my $networks = pairs($zone->{'vmn-networks'});
    for my $vnet (sort keys %$networks) {
        die "vmn-networks: must be VNET=NETWORK with commas between:"
            . " \"$vnet\"\n"
            if ($networks->{$vnet} // '') !~ /^$NAME$/;
    }
    return;
}

# Returns {KEY => VALUE} of "KEY=VALUE,KEY=VALUE"; a value is undef where
# nothing gives one.
sub pairs {
    my ($text) = @_;

    my %found;
    for my $pair (split(/[,;\s]+/, $text // '')) {
        my ($key, $value) = split(/=/, $pair, 2);
        $found{$key} = $value if defined($key) && $key ne '';
    }
    return \%found;
}

# Returns the members of the cluster that serve the API.
sub servers {
    my ($zone) = @_;

    return split(/[,;\s]+/, $zone->{'vmn-server'} // '');
}

sub prefix {
    my ($zone) = @_;

    return $zone->{'vmn-prefix'} // $DEFAULT_PREFIX;
}

# Returns the name of a zone's integration bridge.
sub bridge {
    my ($zone) = @_;

    my $bridge = $zone->{bridge} // $DEFAULT_BRIDGE;
    $bridge =~ /^([A-Za-z0-9][A-Za-z0-9._-]{0,14})$/
        or die "bridge: no name of a bridge: \"$bridge\"\n";
    return $1;
}

# Returns the network of VMN that a VNet is.
sub network {
    my ($zone, $vnet) = @_;

    my $name = pairs($zone->{'vmn-networks'})->{$vnet} // $vnet;
    $name =~ /^($NAME)$/
        or die "VNet $vnet: no network of VMN has such a name, which is of"
        . " a-z, 0-9, '.' and '-': vmn-networks of the zone can name one\n";
    return $1;
}

# Returns the name of a guest's port: "vm100-net0".
sub port_name {
    my ($zone, $vmid, $index) = @_;

    return sprintf('%s%d-net%d', prefix($zone), $vmid, $index);
}

# Returns the iface-id of a guest's device in a VNet.  It names the VNet, so a
# device that was moved to another one is nobody's until its port is there,
# too; and the same on each node, so that a migration is one.
sub iface_id {
    my ($zone, $vmid, $index, $vnet) = @_;

    my $id = port_name($zone, $vmid, $index) . ".$vnet";
    $id =~ /^([A-Za-z0-9._-]{1,63})$/
        or die "VNet $vnet: its name cannot be part of an iface-id\n";
    return $1;
}

# Proxmox's files.  -----------------------------------------------------------

# Returns a file's text, undef if it is not there (or gone meanwhile).
sub read_text {
    my ($path) = @_;

    open(my $file, '<:raw', $path) or do {
        return if $!{ENOENT};
        die "$path: $!\n";
    };
    my $text = '';
    my $n = read($file, $text, $FILE_SIZE);
    die "$path: $!\n" if !defined($n);
    close($file);
    return $text;
}

sub read_json {
    my ($name) = @_;

    my $text = read_text("$ETC/$name");
    return {} if !defined($text) || $text eq '';
    my $found = eval { JSON::PP->new->utf8->decode($text) };
    die "$ETC/$name: is no JSON object\n" if ref($found) ne 'HASH';
    return $found;
}

# Returns the zones of VMN, {ID => properties}, each with its VNets' names in
# 'vnets', as Proxmox has applied them.
sub zones {
    my $config = read_json('sdn/.running-config');
    my $all = $config->{zones}->{ids} // {};
    my %found;

    for my $id (grep { ($all->{$_}->{type} // '') eq 'vmn' } keys %$all) {
        $found{$id} = { %{ $all->{$id} }, vnets => {} };
    }
    my $vnets = $config->{vnets}->{ids} // {};
    for my $id (keys %$vnets) {
        my $zone = $found{ $vnets->{$id}->{zone} // '' };
        $zone->{vnets}->{$id} = 1 if $zone;
    }
    return \%found;
}

# Returns false if this node has lost the rest of its cluster: what it sees
# may be old.
sub has_quorum {
    my $cluster = read_json('.members')->{cluster};

    return !$cluster || !exists($cluster->{quorate}) || $cluster->{quorate};
}

# Returns {ID => {node, type}} of all guests.
sub guests {
    return read_json('.vmlist')->{ids} // {};
}

# Returns a guest's configuration, undef if it cannot be read just now:
# 'config' and 'pending' have its lines by name.
sub read_guest {
    my ($vmid, $guest) = @_;

    my $folder = ($guest->{type} // '') eq 'lxc' ? 'lxc' : 'qemu-server';
    my $text = read_text("$ETC/nodes/$guest->{node}/$folder/$vmid.conf");
    return if !defined($text);
    my $found = { config => {}, pending => {} };
    my $section = $found->{config};
    for my $line (split(/\n/, $text)) {
        if ($line =~ /^\[(.*)\]\s*$/) {
            # The others are snapshots.
            $section = $1 =~ /^(?:pve:)?pending$/i ? $found->{pending} : {};
        } elsif ($line =~ /^([a-z][a-z_]*[0-9]*):\s*(.*?)\s*$/) {
            $section->{$1} = $2;
        }
    }
    return $found;
}

# Returns what a line of a network device says: 'mac', 'bridge', 'firewall'.
sub device {
    my ($line) = @_;

    my %found;
    for my $part (split(/,/, $line // '')) {
        my ($key, $value) = split(/=/, $part, 2);
        next if !defined($value);
        if ($key eq 'bridge' || $key eq 'firewall') {
            $found{$key} = $value;
        } elsif ($value =~ /^($MAC)$/) {
            $found{mac} = lc($1);       # "virtio=MAC", "hwaddr=MAC".
        }
    }
    return \%found;
}

# Returns the guest and the device of interface "tap100i0" or "veth100i0":
# 'vmid', 'index', 'guest', and 'mac' and 'firewall' as far as they are known.
# What is pending goes first: Proxmox plugs that.
sub device_of_interface {
    my ($iface, $vnet) = @_;

    $iface =~ /^(?:tap|veth)([0-9]{1,9})i([0-9]{1,2})$/
        or die "no name of a guest's interface: \"$iface\"\n";
    my $found = { vmid => $1, index => $2 };
    my $entry = guests()->{ $found->{vmid} };
    my $guest = $entry && read_guest($found->{vmid}, $entry);
    return $found if !$guest;
    my $key = "net$found->{index}";
    for my $line ($guest->{pending}->{$key}, $guest->{config}->{$key}) {
        my $device = device($line);
        next if ($device->{bridge} // '') ne $vnet;
        @$found{ 'mac', 'firewall' } = @$device{ 'mac', 'firewall' };
        last;
    }
    $found->{mac} //= device($guest->{config}->{$key})->{mac};
    $found->{guest} = $guest;
    return $found;
}

# Ports.  ---------------------------------------------------------------------

# Returns the labels that the guest's port is to have.
sub labels {
    my ($zone_id, $zone, $vmid, $guest) = @_;

    my %labels = (
        %{ pairs($zone->{'vmn-labels'}) },
        'proxmox/zone' => $zone_id,
        'proxmox/vm' => "$vmid",
    );
    my $config = $guest ? $guest->{config} : {};
    my $name = $config->{name} // $config->{hostname};
    $labels{'proxmox/name'} = $name if defined($name) && $name =~ /^$LABEL$/;
    for my $tag (split(/[;,\s]+/, $config->{tags} // '')) {
        $labels{"proxmox/tag-$tag"} = '' if "tag-$tag" =~ /^$LABEL$/;
    }
    return \%labels;
}

# Returns the port that a guest's device is to have: 'name' and 'spec'.
sub wanted_port {
    my ($zone_id, $zone, $vmid, $index, $vnet, $mac, $guest) = @_;

    my $spec = {
        network => network($zone, $vnet),
        iface_id => iface_id($zone, $vmid, $index, $vnet),
        labels => labels($zone_id, $zone, $vmid, $guest),
    };
    $spec->{mac} = $mac if defined($mac);
    return { name => port_name($zone, $vmid, $index), spec => $spec };
}

# Returns the merge patch that makes the spec 'have' what is wanted, undef if
# it is.  Addresses that were chosen in another network are chosen anew.
sub difference {
    my ($have, $want) = @_;

    my %patch;
    for my $key (grep { $_ ne 'labels' } keys %$want) {
        $patch{$key} = $want->{$key}
            if lc($have->{$key} // '') ne lc($want->{$key});
    }
    $patch{ips} = undef if exists($patch{network}) && $have->{ips};
    my $old = $have->{labels} // {};
    my %labels;
    for my $key (keys %{ $want->{labels} }) {
        $labels{$key} = $want->{labels}->{$key}
            if ($old->{$key} // '-') ne $want->{labels}->{$key};
    }
    for my $key (grep { m{^proxmox/} } keys %$old) {
        $labels{$key} = undef if !exists($want->{labels}->{$key});
    }
    $patch{labels} = \%labels if %labels;
    return %patch ? \%patch : undef;
}

# Makes the port what is wanted, and returns what was done: "created",
# "updated", or undef.  'have' is what it is now, or 'absent', if that is
# known.
sub put_port {
    my ($client, $want, $have, $dry) = @_;

    for (1 .. $TRIES) {
        my ($status, $found) =
            !$have ? $client->call('GET', "ports/$want->{name}")
            : ref($have) ? (200, $have)
            : (404, undef);
        undef $have;
        my ($method, $body, @condition);
        if ($status == 404) {
            ($method, $body) = ('PUT', $want->{spec});
            @condition = ('If-None-Match' => '*');
        } else {
            $client->refuse($status, $found) if $status >= 300;
            $body = difference($found->{spec}, $want->{spec}) or return;
            $method = 'PATCH';
            @condition = ('If-Match' => "\"$found->{metadata}->{etag}\"");
        }
        my $done = $method eq 'PUT' ? 'created' : 'updated';
        return $done if $dry;
        ($status, $found) = $client->call(
            $method, "ports/$want->{name}", { spec => $body }, @condition,
        );
        return $done if $status < 300;
        # Somebody else has changed it just now, made it or deleted it.
        $client->refuse($status, $found) if $status != 412 && $status != 404;
    }
    die "others change it all the time\n";
}

# Returns a client of the zone's vmnd.
sub client {
    my ($zone_id, $zone) = @_;

    check_zone($zone);
    my $token_file = "$ETC/priv/vmn/$zone_id.token";
    my $token = read_text($token_file);
    die "$token_file: is not there: it is to have the token of vmnd's API\n"
        if !defined($token);
    $token =~ /^([\x21-\x7e]{1,512})\s*$/
        or die "$token_file: is to have a token alone\n";
    $token = $1;
    my $ca_file = "$ETC/priv/vmn/$zone_id.ca.pem";
    die "$ca_file: is not there: it is to have the CA of vmnd's certificate\n"
        if $zone->{'vmn-server'} =~ /https:/ && !-e $ca_file;
    return VMN::Client->new(
        servers => [ servers($zone) ], token => $token, ca_file => $ca_file,
    );
}

# One device.  ----------------------------------------------------------------

# Makes the port of a device that is plugged.  Returns undef, or a sentence
# that says why it is not as it is to be.  Where vmnd is away it takes some
# seconds of each server once, and none for the next devices.
sub plugged {
    my ($zone_id, $zone, $vnet, $device) = @_;

    my $name = port_name($zone, $device->{vmid}, $device->{index});
    $zone_id =~ /^([A-Za-z0-9]{1,64})$/ or return "strange zone \"$zone_id\"";
    my $away = "$RUN/$1.away";
    my $since = (stat($away))[9];
    if ($since && $since <= time() && $since > time() - $AWAY_S) {
        return "port $name: vmnd did not answer a moment ago;"
            . " vmn-proxmox.timer tries again";
    }
    eval {
        my $want = wanted_port(
            $zone_id, $zone, @$device{ 'vmid', 'index' }, $vnet,
            @$device{ 'mac', 'guest' },
        );
        put_port(client($zone_id, $zone), $want);
        unlink($away);
    };
    my $why = $@ or return;
    if (ref($why) && $why->is_away()) {
        mkdir($RUN, 0755);
        if (open(my $file, '>', $away)) {
            close($file);
        }
    }
    chomp($why = "$why");
    return "port $name: $why; vmn-proxmox.timer tries again";
}

# All of them.  ---------------------------------------------------------------

# Returns (wanted, kept): the zone's ports by name, and the names of those that
# are not to be touched, since their guests are about to change or cannot be
# read.  'say' is called with each fault.
sub wanted_ports {
    my ($zone_id, $zone, $say) = @_;

    my (%wanted, %kept);
    my $guests = guests();
    for my $vmid (sort { $a <=> $b } grep { /^[0-9]{1,9}$/ } keys %$guests) {
        my $guest = read_guest($vmid, $guests->{$vmid});
        if (!$guest) {
            # It is on its way to another node, or is being deleted.
            $kept{$vmid} = 1;
            next;
        }
        next if $guest->{config}->{template};
        for my $key (grep { /^net[0-9]{1,2}$/ } keys %{ $guest->{config} }) {
            my ($index) = $key =~ /([0-9]+)$/;
            my $device = device($guest->{config}->{$key});
            my $vnet = $device->{bridge};
            next if !defined($vnet) || !$zone->{vnets}->{$vnet};
            my $port = eval {
                wanted_port(
                    $zone_id, $zone, $vmid, $index, $vnet, $device->{mac},
                    $guest,
                );
            };
            if ($port) {
                $wanted{ $port->{name} } = $port;
            } else {
                $kept{ port_name($zone, $vmid, $index) } = 1;
                $say->("$vmid $key: $@");
            }
        }
        for my $key (grep { /^net[0-9]{1,2}$/ } keys %{ $guest->{pending} }) {
            my ($index) = $key =~ /([0-9]+)$/;
            $kept{ port_name($zone, $vmid, $index) } = 1;
        }
    }
    return (\%wanted, \%kept);
}

# Returns the ports that were made for a zone, by name.
sub ports_of_zone {
    my ($client, $zone_id) = @_;

    my (%found, $after);
    do {
        my $page = $client->must(
            'GET',
            "ports?selector=proxmox%2Fzone%3D$zone_id&limit=1000"
                . (defined($after) ? "&after=$after" : ''),
        );
        $found{ $_->{name} } = $_ for @{ $page->{items} };
        $after = $page->{next};
    } while (defined($after));
    return \%found;
}

# Deletes a port whose device is no more, unless somebody has it plugged.
# Returns what was done.
sub remove_port {
    my ($client, $port, $dry) = @_;

    my $host = $port->{status}->{host};
    return "has no device, but $host has its interface: left" if $host;
    return 'deleted' if $dry;
    my ($status, $found) = $client->call(
        'DELETE', "ports/$port->{name}?cascade=true", undef,
        'If-Match' => "\"$port->{metadata}->{etag}\"",
    );
    return 'has changed just now: left' if $status == 412;
    $client->refuse($status, $found) if $status >= 300 && $status != 404;
    return 'deleted';
}

# Makes all ports of a zone what the guests' configurations say.  'say' is
# called with a line for each that is changed or at fault.  Returns how many
# are at fault.
sub sync_zone {
    my ($zone_id, $zone, $say, $dry) = @_;

    my $n_errors = 0;
    my $fault = sub {
        chomp(my $text = "$_[0]");
        $n_errors++;
        $say->($text);
    };
    my $client = client($zone_id, $zone);
    # The ports first: whoever is made meanwhile is not taken for left over.
    my $have = ports_of_zone($client, $zone_id);
    my ($wanted, $kept) = wanted_ports($zone_id, $zone, $fault);
    for my $name (sort keys %$wanted) {
        next if $kept->{$name} && $have->{$name};
        my $done = eval {
            put_port(
                $client, $wanted->{$name}, $have->{$name} // 'absent', $dry,
            );
        };
        if (my $why = $@) {
            $fault->("$name: $why");
            # All others would take as long.
            die $why if ref($why) && $why->is_away();
        } elsif ($done) {
            $say->("$name: $done");
        }
    }
    for my $name (sort keys %$have) {
        my $vmid = $have->{$name}->{spec}->{labels}->{'proxmox/vm'};
        next if $wanted->{$name} || $kept->{$name};
        next if !defined($vmid) || $kept->{$vmid};
        my $done = eval { remove_port($client, $have->{$name}, $dry) };
        if ($@) {
            $fault->("$name: $@");
        } else {
            $say->("$name: $done");
        }
    }
    return $n_errors;
}

1;
