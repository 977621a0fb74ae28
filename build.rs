//! Runs in: cargo. Leaves out of the shipped binary what only unwinding needs. Not out of the test program, which unwinds, nor out
//! of a debug build. (cargo does not tell a build script whether a panic aborts; in the release profile it does.)

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=src/unwind.ld");
    println!("cargo:rerun-if-changed=src/start.ld");
    let is = |name: &str, value: &str| var(name).is_ok_and(|is| is == value);
    if is("CARGO_CFG_TARGET_ENV", "musl") && is("PROFILE", "release") {
        let directory = var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!(
            "cargo:rustc-link-arg-bin=pidone=-Wl,--no-eh-frame-hdr,-T,{directory}/src/unwind.ld,-T,{directory}/src/start.ld"
        );
    }
}
