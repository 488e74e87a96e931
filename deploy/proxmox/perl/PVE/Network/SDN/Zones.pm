# SPDX-License-Identifier: Apache-2.0
#
# /etc/perl/PVE/Network/SDN/Zones.pm: has Proxmox VE know zones of type "vmn".
#
# Proxmox registers its zone plugins by name in a module of this name, and has
# no folder for others.  Perl looks into /etc/perl first: this file registers
# one plugin more, and then has Perl load Proxmox's module, which stays as it
# is.  If the plugin cannot be loaded, Proxmox goes on without.

package VMN::ProxmoxZones;

use strict;
use warnings;

BEGIN {
    my $name = 'PVE/Network/SDN/Zones.pm';
    my $own = $INC{$name} // __FILE__;

    eval {
        require PVE::Network::SDN::Zones::VmnPlugin;
        PVE::Network::SDN::Zones::VmnPlugin->register();
    };
    warn "zones of type vmn are not available: $@" if $@;

    my ($next) = grep { $_ ne $own && -e } map { "$_/$name" }
        grep { !ref } @INC;
    die "$own: Proxmox VE's module of this name is not in \@INC\n" if !$next;
    $next =~ /^(.*)$/s and $next = $1;
    require $next;
}

1;
