#!/usr/bin/env perl
# Writes a bill of materials in CycloneDX 1.5 JSON: what is linked into one binary, from the output of `cargo metadata` on stdin.
#
#     cargo metadata ... | perl docker/package/sbom.pl BINARY TARGET Cargo.lock "$(cargo tree --edges normal --prefix none ...)"
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use POSIX qw(strftime);

my ($binary, $target, $lock_path, $tree) = @ARGV;
my $metadata = decode_json(do { local $/; <STDIN> });

sub output_of {
    open my $pipe, '-|', @_ or die "$_[0]: $!\n";
    my $output = do { local $/; <$pipe> };
    close $pipe or die "@_: failed\n";
    return $output;
}

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
sub sha256 { return { alg => 'SHA-256', content => $_[0] } }

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
        $sum ? (hashes => [sha256($sum)]) : (),
    };
}

# Linked in as well, but no crates: what rustup brings for the target.
my $rustc = output_of('rustc', '--version') =~ s/\n//r;
my ($rust_version) = $rustc =~ /^rustc (\S+)/;
my %std = (
    type => 'library',
    'bom-ref' => "pkg:generic/rust-std\@$rust_version",
    name => 'rust-std',
    version => $rust_version,
    purl => "pkg:generic/rust-std\@$rust_version",
    cpe => "cpe:2.3:a:rust-lang:rust:$rust_version:*:*:*:*:*:*:*",
    description => "Rust standard library ($rustc)",
    licenses => [{ expression => 'MIT OR Apache-2.0' }],
);

# The C library says itself which one it is: musl's __libc_version, of which nothing need be left in the binary.
my $libc = output_of('rustc', '--print', 'sysroot') =~ s/\n//r . "/lib/rustlib/$target/lib/self-contained/libc.a";
my ($musl_version) = output_of('ar', 'p', $libc, 'version.lo') =~ /\0(\d+\.\d+\.\d+)\0/;
die "$libc does not tell its version\n" unless defined $musl_version;
my %musl = (
    type => 'library',
    'bom-ref' => "pkg:generic/musl\@$musl_version",
    name => 'musl',
    version => $musl_version,
    purl => "pkg:generic/musl\@$musl_version",
    cpe => "cpe:2.3:a:musl-libc:musl:$musl_version:*:*:*:*:*:*:*",
    description => 'The C library, linked in statically, as rustup ships it for the target',
    licenses => [{ license => { id => 'MIT' } }],
    hashes => [sha256(Digest::SHA->new(256)->addfile($libc, 'b')->hexdigest)],
    externalReferences => [{ type => 'website', url => 'https://musl.libc.org/' }],
);

my %application = (
    %{ component($package{$root}) },
    hashes => [sha256(Digest::SHA->new(256)->addfile($binary, 'b')->hexdigest)],
    properties => [{ name => 'pidone:target', value => $target }],
);
my @components = ((map { component($package{$_}) } grep { $_ ne $root } @ids), \%musl, \%std);
my @dependencies = map {
    my @on = map { purl($package{$_}) } linked($_);
    { ref => purl($package{$_}), dependsOn => [sort(@on, $std{'bom-ref'})] }
} @ids;
my $json = JSON::PP->new->canonical->pretty;
# A random number would make each build another one: it is that of the content.
my @id = sha256_hex($json->encode([\%application, @components])) =~ /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/;
print $json->encode({
    bomFormat => 'CycloneDX',
    specVersion => '1.5',
    serialNumber => "urn:uuid:$id[0]-$id[1]-4$id[2]-8$id[3]-$id[4]",
    version => 1,
    metadata => {
        timestamp => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($ENV{SOURCE_DATE_EPOCH} // 0)),
        component => \%application,
    },
    components => \@components,
    dependencies => [
        @dependencies,
        { ref => $std{'bom-ref'}, dependsOn => [$musl{'bom-ref'}] },
        { ref => $musl{'bom-ref'}, dependsOn => [] },
    ],
});
