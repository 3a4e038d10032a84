#!/usr/bin/perl
# An adapter of Perl's Protocol::WebSocket for `wsoracle drive`: its frames, behind an opening handshake that the driver plays.
# Debian: libprotocol-websocket-perl. What the library leaves to its users (Pong, answer to Close) is done here.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use Protocol::WebSocket;
use Protocol::WebSocket::Frame;

my %KIND = (1 => 'text', 2 => 'binary', 8 => 'close', 9 => 'ping', 10 => 'pong');
my ($json, %connections) = (JSON::PP->new);
$| = 1;

while (my $line = <STDIN>) {
    my $question = decode_json($line);
    my $answer = answer($question);
    print $json->encode({seq => $question->{seq}, %$answer}), "\n";
    last if $question->{cmd} eq 'stop';
}

sub answer {
    my ($question) = @_;
    my ($cmd, $number) = @$question{qw(cmd connection)};
    if ($cmd eq 'start') {
        my %implementation =
            (name => 'Protocol::WebSocket', version => $Protocol::WebSocket::VERSION, language => "Perl $^V");
        return {version => 1, implementation => \%implementation};
    }
    return {} if $cmd eq 'stop';
    if ($cmd eq 'open') {
        my $parser = Protocol::WebSocket::Frame->new(max_payload_size => 0, max_fragments_amount => 2**31);
        $connections{$number} = {client => $question->{role} eq 'client', parser => $parser};
        return {};
    }
    return delete $connections{$number} ? {} : {} if $cmd eq 'close';
    my $connection = $connections{$number};
    return send_frame($connection, $question->{kind}, pack('H*', $question->{payload})) if $cmd eq 'send';
    return {closes => JSON::PP::true} if $cmd eq 'eof';
    return receive($connection, pack('H*', $question->{octets}));
}

sub send_frame {
    my ($connection, $type, $payload) = @_;
    return {} if $connection->{sent_close};
    my $frame = Protocol::WebSocket::Frame->new(
        buffer => $payload, type => $type, masked => $connection->{client}, max_payload_size => 0);
    return {octets => unpack('H*', $frame->to_bytes)};
}

sub receive {
    my ($connection, $octets) = @_;
    my ($parser, $written, @events, $closes) = ($connection->{parser}, '');
    return {} if $connection->{sent_close};
    $parser->append($octets);
    while (defined(my $payload = eval { $parser->next_bytes })) {
        my $kind = $KIND{$parser->opcode} // 'failed';
        push @events, {kind => $kind, payload => unpack('H*', $payload)};
        $written .= send_frame($connection, 'pong', $payload)->{octets} if $kind eq 'ping';
        next unless $kind eq 'close';
        $written .= send_frame($connection, 'close', substr($payload, 0, 2))->{octets};
        $connection->{sent_close} = 1;
        $closes = !$connection->{client};
        last;
    }
    $closes = 1 if $@;
    return {octets => $written, events => \@events, $closes ? (closes => JSON::PP::true) : ()};
}
