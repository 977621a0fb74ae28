//! Every system call fails once: see [`sweep`], which is for x86-64, where a tracer finds the result of a call in a register that
//! it knows.

#[cfg(target_arch = "x86_64")]
mod sweep;

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    sweep::main()
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("SKIPPED: the tracer knows the registers of x86-64 alone");
}
