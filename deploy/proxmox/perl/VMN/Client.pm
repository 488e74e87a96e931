# SPDX-License-Identifier: Apache-2.0
package VMN::Client;

# Calls vmnd's API.  For what needs JSON over HTTP and nothing else; what the
# objects mean is for VMN::Proxmox to know.
#
# Every call ends within some seconds of each server, whatever that does.  A
# call that fails dies with a VMN::Client::Failure, which reads as a sentence.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();
use Socket ();

my $TIMEOUT_S = 3;              # To connect, and for each read and write.
my $REPLY_SIZE = 16 << 20;      # A page of 1000 ports is a tenth of it.
my $UUID = '/proc/sys/kernel/random/uuid';

# Errors of certificates that one side does not accept.
my $CERTIFICATE = qr/certificate verify failed|hostname verification| alert /;

my $json = JSON::PP->new->utf8->canonical;

# Returns a client of 'servers', the members of a cluster ("https://HOST:PORT",
# or http of loopback).  'ca_file' is the CA of their certificates, 'token' is
# that of an account.
sub new {
    my ($class, %args) = @_;

    my $http = VMN::Client::Http->new(
        agent => 'vmn-proxmox',
        timeout => $TIMEOUT_S,
        max_redirect => 0,
        max_size => $REPLY_SIZE,
        keep_alive => 1,
        proxy => undef, http_proxy => undef, https_proxy => undef,
        verify_SSL => 1,
        SSL_options => { SSL_ca_file => $args{ca_file} },
    );
    return bless {
        # The one that has replied last is the first.
        servers => [ map { s{/+$}{}r } @{ $args{servers} } ],
        token => $args{token},
        http => $http,
    }, $class;
}

# Returns the reply's status and its JSON (undef if it has none).  A server
# that does not reply, or has no writer, is followed by the next one, which
# gets a change with the same key.  Dies only if none is left, or a certificate
# is not accepted; any other status is a reply.
sub call {
    my ($self, $method, $path, $body, %headers) = @_;

    my %options = (
        headers => { %headers, Authorization => "Bearer $self->{token}" },
    );
    if (defined($body)) {
        $options{content} = $json->encode($body);
        $options{headers}->{'Content-Type'} =
            $method eq 'PATCH'
            ? 'application/merge-patch+json'
            : 'application/json';
    }
    if ($method ne 'GET') {
        open(my $file, '<', $UUID) or die "$UUID: $!\n";
        chomp($options{headers}->{'Idempotency-Key'} = <$file>);
    }
    my (@faults, $why);
    my @servers = @{ $self->{servers} };
    for my $server (@servers) {
        my $reply = $self->{http}->request(
            $method, "$server/v1/$path", \%options,
        );
        my $found = eval { $json->decode($reply->{content}) };
        if ($reply->{status} == 599) {
            $why = $reply->{content} =~ s/\s+/ /gr;
        } elsif (lacks_writer($reply, $found)) {
            $why = ($found->{detail} // '') . ' (HTTP 503)';
        } else {
            $self->{servers} = [ $server, grep { $_ ne $server } @servers ];
            return ($reply->{status}, $found);
        }
        push @faults, "$server: $why";
        last if $why =~ $CERTIFICATE;
    }
    VMN::Client::Failure->throw(
        0, 'vmnd does not answer at ' . join('; ', @faults),
    );
    return;
}

# Returns true for a reply that another server may not give.
sub lacks_writer {
    my ($reply, $found) = @_;

    return $reply->{status} == 503
        && $reply->{headers}->{'retry-after'}
        && ref($found) eq 'HASH'
        && ($found->{type} // '') ne 'urn:vmn:problem:busy';
}

# The same, of a call that has to succeed; returns its JSON.
sub must {
    my ($self, $method, $path, $body, %headers) = @_;

    my ($status, $found) = $self->call($method, $path, $body, %headers);
    $self->refuse($status, $found) if $status >= 300;
    if (ref($found) ne 'HASH') {
        VMN::Client::Failure->throw(
            $status, "what answers at $self->{servers}->[0] is no vmnd",
        );
    }
    return $found;
}

# Dies for a reply that is a refusal, with what vmnd says of it.
sub refuse {
    my ($self, $status, $found) = @_;

    my $text;
    if ($status == 401) {
        $text = "vmnd does not take the token at $self->{servers}->[0]";
    } elsif (ref($found) eq 'HASH') {
        my @errors = map {
            my $pointer = $_->{pointer} // '';
            $pointer =~ s{^/spec/}{};
            ($pointer ne '' ? "$pointer: " : '') . ($_->{detail} // '');
        } grep { ref($_) eq 'HASH' } @{ $found->{errors} // [] };
        $text = join('; ', @errors)
            || $found->{detail} || $found->{title};
    }
    $text ||= "what answers at $self->{servers}->[0] is no vmnd";
    VMN::Client::Failure->throw($status, "$text (HTTP $status)");
    return;
}

package VMN::Client::Http;

use parent -norequire, 'HTTP::Tiny';

# HTTP::Tiny waits until there is something to read, which may be a message of
# TLS itself, and then without an end for data.
sub _open_handle {
    my ($self, @args) = @_;

    my $handle = $self->SUPER::_open_handle(@args);
    setsockopt(
        $handle->{fh}, Socket::SOL_SOCKET(), Socket::SO_RCVTIMEO(),
        pack('l!l!', $TIMEOUT_S, 0),
    ) or die "SO_RCVTIMEO: $!\n";
    return $handle;
}

package VMN::Client::Failure;

use overload '""' => sub { return "$_[0]->{text}\n" }, fallback => 1;

# 'status' is of HTTP, 0 if there was no reply.
sub throw {
    my ($class, $status, $text) = @_;

    die bless { status => $status, text => $text }, $class;
}

# Returns true if it is worth no other try now.
sub is_away {
    my ($self) = @_;

    return $self->{status} == 0 || $self->{status} == 429
        || $self->{status} == 503;
}

1;
