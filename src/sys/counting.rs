//! Runs in: the test harness. An allocator that knows how much memory each thread holds, for tests of how much something takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// What this thread has allocated and not freed. Neither of the two has a destructor or is made on the heap, so that the
    /// allocator can use them at any time.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most of it since `peak_of` began.
    static MOST: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

// SAFETY: all is done by the system's allocator, with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(0, layout.size());
        // SAFETY: what the caller promises us is what the call wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(layout.size(), 0);
        // SAFETY: `memory` comes from the same allocator, above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), size);
        // SAFETY: `memory` comes from the same allocator, above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

fn note(freed: usize, taken: usize) {
    let held = HELD.get() - freed.cast_signed() + taken.cast_signed();
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

/// What `work` returns, and how many bytes this thread held at most while it worked, beyond those that it had.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    MOST.set(before);
    let result = work();
    (result, (MOST.get() - before).cast_unsigned())
}

#[test]
fn the_most_that_was_held_at_once_is_counted() {
    let ((), peak) = peak_of(|| {
        drop(std::hint::black_box(vec![1_u8; 3000]));
        let mut grown = std::hint::black_box(vec![1_u8; 1000]);
        grown.reserve_exact(3000);
    });
    assert_eq!(peak, 4000);
}
