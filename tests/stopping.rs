//! How it all ends: stop signals that are held back or enforced, and what becomes of the others.
