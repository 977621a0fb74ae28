//! Runs in: outer, init. The heap: a start needs a few small blocks, and here gets them without a system call.
//!
//! musl's own malloc(3) costs every start five system calls, three pages with page tables of their own and a third of all
//! instructions. Here a block is as large as the next power of two, and is cut off from a piece of memory that the program was
//! loaded with; blocks that come back are kept, in a list for each size. What is large is a mapping of its own.
//!
//! The unsafe code is sound because there is one thread, and a process that shares its memory is suspended meanwhile.

use nix::libc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// The smallest block has room for a link, and all are aligned as malloc(3)'s are.
const SMALLEST: usize = 16;
/// What is larger is a mapping.
const LARGEST: usize = 32 * 1024;
const SIZES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;
/// What a mapping is aligned to, at least.
const PAGE: usize = 4096;
/// What there is from the start; pages that are not touched cost nothing.
const FIRST: usize = 32 * 1024;
/// What the kernel is asked for when that is used up.
const MORE: usize = 64 * 1024;

#[global_allocator]
static HEAP: Heap = Heap {
    state: UnsafeCell::new(State { given_back: [null_mut(); SIZES], rest: null_mut(), left: 0 }),
    first: UnsafeCell::new([0; FIRST]),
};

/// In this order, so that a start touches few pages; and apart, because blocks have other owners than the state.
#[repr(C)]
struct Heap {
    state: UnsafeCell<State>,
    first: UnsafeCell<[u8; FIRST]>,
}

// SAFETY: there is one thread.
unsafe impl Sync for Heap {}

/// Aligned as the blocks behind it are to be.
#[repr(align(16))]
struct State {
    given_back: [*mut Block; SIZES],
    /// Not cut up yet; null before the first block.
    rest: *mut u8,
    left: usize,
}

/// A block that came back.
struct Block {
    next: *mut Block,
}

// SAFETY: a block is cut off once, and is in a list only while nobody has it; its size and alignment are at least the layout's.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match list_for(layout) {
            // SAFETY: nobody else uses the state meanwhile, and no block lies in it.
            Some(list) => unsafe { &mut *self.state.get() }.take(list, self.first.get().cast()),
            None if layout.align() <= PAGE => map(layout.size()),
            None => null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match list_for(layout) {
            // SAFETY: as in `alloc`; the block is its owner's no more.
            Some(list) => unsafe { &mut *self.state.get() }.keep(block.cast(), list),
            None => unmap(block, layout.size()),
        }
    }
}

/// `None`: a mapping, which is aligned to pages.
fn list_for(layout: Layout) -> Option<usize> {
    let size = layout.size().max(SMALLEST);
    (size <= LARGEST && layout.align() <= SMALLEST).then(|| (size.next_power_of_two() / SMALLEST).ilog2() as usize)
}

impl State {
    fn take(&mut self, list: usize, first: *mut u8) -> *mut u8 {
        let Some(head) = self.given_back.get_mut(list) else { return null_mut() };
        if head.is_null() {
            return self.cut_off(SMALLEST << list, first);
        }
        let block = *head;
        // SAFETY: what is in a list was written by `keep`.
        *head = unsafe { (*block).next };
        block.cast()
    }

    fn keep(&mut self, block: *mut Block, list: usize) {
        let Some(head) = self.given_back.get_mut(list) else { return };
        // SAFETY: it was cut off here, has room for this, and nobody has it.
        unsafe { block.write(Block { next: *head }) };
        *head = block;
    }

    fn cut_off(&mut self, size: usize, first: *mut u8) -> *mut u8 {
        if self.rest.is_null() {
            (self.rest, self.left) = (first, FIRST);
        }
        if self.left < size {
            (self.rest, self.left) = (map(MORE), MORE);
        }
        let block = self.rest;
        // SAFETY: `left` bytes follow, which are enough.
        self.rest = unsafe { block.add(size) };
        self.left -= size;
        block
    }
}

/// Asks the kernel; waits half a second for memory, for an init has others depend on it, and if there is none then ends the
/// program.
fn map(size: usize) -> *mut u8 {
    const MILLISECONDS: libc::c_int = 10;
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    for _ in 0..50 {
        // SAFETY: new memory, which nobody else knows.
        let place = unsafe { libc::mmap(null_mut(), size, access, flags, -1, 0) };
        if place != libc::MAP_FAILED {
            return place.cast();
        }
        // SAFETY: no descriptor is looked at, so it only waits.
        unsafe { libc::poll(null_mut(), 0, MILLISECONDS) };
    }
    pidone::end_without_memory()
}

fn unmap(place: *mut u8, size: usize) {
    // SAFETY: what `map` gave, whose owner is done with it. Ignoring the result: nothing else can be done with it.
    let _ = unsafe { libc::munmap(place.cast(), size) };
}

/// malloc(3) and its like, for what the C library asks for (opendir(3), setenv(3)): with these, musl's own stay out of the
/// binary, which is 8 KB. In front of each piece stands what is needed to give it back.
mod c {
    use super::{HEAP, SMALLEST};
    use std::alloc::{GlobalAlloc, Layout};
    use std::ffi::c_void;
    use std::ptr::null_mut;

    /// The block that a piece was cut out of.
    #[repr(C)]
    struct Header {
        size: usize,
        /// Of the piece, from the block's beginning.
        offset: usize,
    }

    const HEADER: usize = size_of::<Header>();

    /// Null: more than there can be, or `alignment` is no power of two.
    #[unsafe(no_mangle)]
    extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
        let alignment = alignment.max(SMALLEST);
        // One header, and as much as a piece may have to move for its alignment.
        let layout = size
            .checked_add(HEADER + alignment - SMALLEST)
            .and_then(|size| Layout::from_size_align(size, SMALLEST).ok());
        let Some(layout) = layout.filter(|_| alignment.is_power_of_two()) else { return null_mut() };
        // SAFETY: the size is not zero.
        let block = unsafe { HEAP.alloc(layout) };
        if block.is_null() {
            return null_mut();
        }
        // SAFETY: the block is longer than the header.
        let offset = HEADER + unsafe { block.add(HEADER) }.align_offset(alignment);
        // SAFETY: so much was asked for above.
        let piece = unsafe { block.add(offset) }.cast::<Header>();
        // SAFETY: in front of the piece there is room for the header.
        let header = unsafe { piece.sub(1) };
        // SAFETY: and it is aligned for one.
        unsafe { header.write(Header { size: layout.size(), offset }) };
        piece.cast()
    }

    #[unsafe(no_mangle)]
    extern "C" fn malloc(size: usize) -> *mut c_void {
        aligned_alloc(SMALLEST, size)
    }

    #[unsafe(no_mangle)]
    extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        let Some(bytes) = count.checked_mul(size) else { return null_mut() };
        let piece = malloc(bytes);
        if !piece.is_null() {
            // SAFETY: so many bytes are there.
            unsafe { piece.cast::<u8>().write_bytes(0, bytes) };
        }
        piece
    }

    #[unsafe(no_mangle)]
    extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        let new = malloc(size);
        if !new.is_null() && !old.is_null() {
            let Header { size: block, offset } = header_of(old);
            // SAFETY: both have so many bytes, and one of them is new.
            unsafe { new.cast::<u8>().copy_from_nonoverlapping(old.cast(), size.min(block - offset)) };
            free(old);
        }
        new
    }

    #[unsafe(no_mangle)]
    extern "C" fn free(piece: *mut c_void) {
        if piece.is_null() {
            return;
        }
        let Header { size, offset } = header_of(piece);
        let Ok(layout) = Layout::from_size_align(size, SMALLEST) else { return };
        // SAFETY: there the block begins.
        let block = unsafe { piece.cast::<u8>().sub(offset) };
        // SAFETY: allocated by `aligned_alloc` with this layout.
        unsafe { HEAP.dealloc(block, layout) };
    }

    fn header_of(piece: *mut c_void) -> Header {
        // SAFETY: what `aligned_alloc` gave has a header in front.
        let header = unsafe { piece.cast::<Header>().sub(1) };
        // SAFETY: which was written there.
        unsafe { header.read() }
    }
}
