#!/usr/bin/env perl
# Writes a bill of materials in CycloneDX 1.5 JSON: what is linked into the binary, from the output of `cargo metadata` on stdin.
#
#     cargo metadata ... | perl docker/package/sbom.pl Cargo.lock "$(rustc --version)" "$(cargo tree --edges normal --prefix none ...)"
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use POSIX qw(strftime);

my ($lock_path, $rustc, $tree) = @ARGV;
my $metadata = decode_json(do { local $/; <STDIN> });

# The checksums of crates stand in Cargo.lock alone.
my (%checksum, $name, $version);
open my $lock, '<', $lock_path or die "$lock_path: $!\n";
while (<$lock>) {
    $name = $1 if /^name = "(.*)"/;
    $version = $1 if /^version = "(.*)"/;
    $checksum{"$name $version"} = $1 if /^checksum = "(.*)"/;
}

my %package = map { $_->{id} => $_ } @{ $metadata->{packages} };
my %node = map { $_->{id} => $_ } @{ $metadata->{resolve}{nodes} };
my $root = $metadata->{resolve}{root};

# cargo's metadata names crates too that an optional dependency would bring; its tree does not.
my %in_tree = map { /^(\S+) v(\S+)/ ? ("$1 $2" => 1) : () } split /\n/, $tree;

# What a package is linked with: dependencies of its own, not those for tests or of build scripts.
sub linked {
    my @linked = grep { grep { !defined $_->{kind} } @{ $_->{dep_kinds} } } @{ $node{ $_[0] }{deps} };
    return sort grep { $in_tree{"$package{$_}{name} $package{$_}{version}"} } map { $_->{pkg} } @linked;
}

sub purl { return "pkg:cargo/$_[0]{name}\@$_[0]{version}" }

my %seen;
my @todo = ($root);
while (defined(my $id = shift @todo)) {
    push @todo, linked($id) unless $seen{$id}++;
}
my @ids = sort { purl($package{$a}) cmp purl($package{$b}) } keys %seen;

sub component {
    my $package = shift;
    my $sum = $checksum{"$package->{name} $package->{version}"};
    (my $license = $package->{license}) =~ s{/}{ OR }g;
    return {
        type => $package->{id} eq $root ? 'application' : 'library',
        'bom-ref' => purl($package),
        name => $package->{name},
        version => $package->{version},
        purl => purl($package),
        licenses => [{ expression => $license }],
        $package->{description} ? (description => $package->{description} =~ s/\s+/ /gr) : (),
        $sum ? (hashes => [{ alg => 'SHA-256', content => $sum }]) : (),
    };
}

# Linked in as well, but no crate: what rustup brings for the target.
my ($rust_version) = $rustc =~ /^rustc (\S+)/;
my %std = (
    type => 'library',
    'bom-ref' => "rust-std\@$rust_version",
    name => 'rust-std',
    version => $rust_version,
    description => "Rust standard library, with the musl C library that rustup ships for the target ($rustc)",
    licenses => [{ expression => 'MIT OR Apache-2.0' }],
);

my @components = map { component($package{$_}) } grep { $_ ne $root } @ids;
my @dependencies = map {
    my @on = map { purl($package{$_}) } linked($_);
    { ref => purl($package{$_}), dependsOn => [sort(@on, $std{'bom-ref'})] }
} @ids;
my $json = JSON::PP->new->canonical->pretty;
# A random number would make each build another one: it is that of the content.
my @id = sha256_hex($json->encode([@components, \%std])) =~ /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/;
print $json->encode({
    bomFormat => 'CycloneDX',
    specVersion => '1.5',
    serialNumber => "urn:uuid:$id[0]-$id[1]-4$id[2]-8$id[3]-$id[4]",
    version => 1,
    metadata => {
        timestamp => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($ENV{SOURCE_DATE_EPOCH} // 0)),
        component => component($package{$root}),
    },
    components => [@components, \%std],
    dependencies => [@dependencies, { ref => $std{'bom-ref'}, dependsOn => [] }],
});
