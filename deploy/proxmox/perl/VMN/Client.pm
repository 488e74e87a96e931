# SPDX-License-Identifier: Apache-2.0
package VMN::Client;

# Calls vmnd's API.  For what needs JSON over HTTP and nothing else; what the
# objects mean is for VMN::Proxmox to know.
#
# Every call ends within some seconds, whatever the other side does.  A call
# that fails dies with a VMN::Client::Failure, which reads as a sentence.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();

my $TIMEOUT_S = 3;              # To connect, and for each read and write.
my $REPLY_SIZE = 16 << 20;      # A page of 1000 ports is a tenth of it.

my $json = JSON::PP->new->utf8->canonical;

# Returns a client of 'server' ("https://HOST:PORT", or http of loopback).
# 'ca_file' is whom to believe, and 'token' what to show.
sub new {
    my ($class, %args) = @_;

    my $http = HTTP::Tiny->new(
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
        server => $args{server} =~ s{/+$}{}r,
        token => $args{token},
        http => $http,
    }, $class;
}

# Returns the reply's status and its JSON (undef if it has none).  Dies only if
# there is no reply, or none of vmnd's; any status is a reply.
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
    my $reply = $self->{http}->request(
        $method, "$self->{server}/v1/$path", \%options,
    );
    if ($reply->{status} == 599) {
        my $why = $reply->{content} =~ s/\s+/ /gr;
        VMN::Client::Failure->throw(
            0, "vmnd does not answer at $self->{server}: $why",
        );
    }
    my $found = eval { $json->decode($reply->{content}) };
    return ($reply->{status}, $found);
}

# The same, of a call that has to succeed; returns its JSON.
sub must {
    my ($self, $method, $path, $body, %headers) = @_;

    my ($status, $found) = $self->call($method, $path, $body, %headers);
    $self->refuse($status, $found) if $status >= 300;
    if (ref($found) ne 'HASH') {
        VMN::Client::Failure->throw(
            $status, "what answers at $self->{server} is no vmnd",
        );
    }
    return $found;
}

# Dies for a reply that is a refusal, with what vmnd says of it.
sub refuse {
    my ($self, $status, $found) = @_;

    my $text;
    if ($status == 401) {
        $text = "vmnd does not take the token";
    } elsif (ref($found) eq 'HASH') {
        my @errors = map {
            my $pointer = $_->{pointer} // '';
            $pointer =~ s{^/spec/}{};
            ($pointer ne '' ? "$pointer: " : '') . ($_->{detail} // '');
        } grep { ref($_) eq 'HASH' } @{ $found->{errors} // [] };
        $text = join('; ', @errors)
            || $found->{detail} || $found->{title};
    }
    $text ||= "what answers at $self->{server} is no vmnd";
    VMN::Client::Failure->throw($status, "$text (HTTP $status)");
    return;
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
