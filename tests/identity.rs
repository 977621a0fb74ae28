//! Who the workload is, as root and as an ordinary user.
