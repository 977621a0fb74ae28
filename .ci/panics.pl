# usage: perl .ci/panics.pl BINARY
#
# Every place from which a panic can be reached once the command runs, as `FUNCTION -> PANIC`, read from the machine code of a BINARY
# that has its symbols: by calls and jumps, and by functions whose address is taken. Where it is called by way of a table
# (a logger, a writer) is not to be seen, so these are roots, too. Failed allocations are left out: they are not avoidable, and
# end by abort in any case.
use strict;
use warnings;
no warnings 'portable';

my ($binary) = @ARGV;
my $roots = qr/^pidone::(init::(oversee|supervise|shutdown)|outer::(supervise|teardown|mirror|read_report)|forward|reap|others|job)\b
    |^<pidone::.*\ as\ (log::Log|core::fmt::(Write|Display)|std::io::.*Write)>/x;
my $panic = qr/^core::(panicking|option|result|cell|slice|str)\b.*(panic|fail)|_fail\b|assert_failed|rust_panic|panic_on_ord/;
my $allocation = qr/capacity_overflow|handle_alloc_error|raw_vec::handle_error/;

sub lines { open my $pipe, '-|', @_ or die "@_: $!"; my @lines = <$pipe>; close $pipe or die "@_"; chomp @lines; @lines }

# One name for all instances: without hashes and generic arguments.
sub plain { local $_ = shift; s/\[[0-9a-f]{16}\]//g; s/::h[0-9a-f]{16}$//; s/::<.*>$//; s/\{\{closure\}\}|\{closure#\d+\}/{closure}/g; $_ }

my (%name, %at, %leads_to, $function);
my @symbols = lines 'nm', $binary;
my @plain = map { plain $_ } lines 'nm', '--demangle=rust', $binary;
for my $index (0 .. $#symbols) {
    my ($address, $kind, $symbol) = split ' ', $symbols[$index];
    next unless defined $symbol && $kind =~ /^[tw]$/i;
    $at{hex $address} = $symbol;
    ($name{$symbol} = $plain[$index]) =~ s/^\S+ \S //;
}
for (lines 'objdump', '--disassemble', '--no-show-raw-insn', $binary) {
    if (/^[0-9a-f]+ <(.+)>:$/) { $function = $1 }
    next unless defined $function;
    $leads_to{$function}{$1} = 1 if /\s(?:call|j[a-z]+)\s+[0-9a-f]+ <([^>]+?)(?:\+0x[0-9a-f]+)?>$/;
    while (/\$0x([0-9a-f]+)|# ([0-9a-f]+) </g) {
        my $taken = $at{hex($1 // $2)};
        $leads_to{$function}{$taken} = 1 if defined $taken;
    }
}

my @next = grep { $name{$_} =~ $roots } grep { defined $name{$_} } keys %leads_to;
grep { $name{$_} eq 'pidone::init::oversee' } @next or die "$binary has no init::oversee: is it stripped?\n";
my (%seen, %found);
$seen{$_} = 1 for @next;
while (defined(my $from = shift @next)) {
    for my $to (grep { $_ ne $from } keys %{ $leads_to{$from} }) {
        my $to_name = $name{$to} // $to;
        next if $to_name =~ $allocation;
        if ($to_name =~ $panic) { $found{"$name{$from} -> $to_name"} = 1 }
        elsif (!$seen{$to}++) { push @next, $to }
    }
}
printf STDERR "%d functions can be reached, %d panics\n", scalar keys %seen, scalar keys %found;
print "$_\n" for sort keys %found;
