//! Runs in: the benchmark. Whose turn it is: everybody once in each round, in an order that looks like chance, so that nobody always
//! finds the caches as the same other one has left them. It is the same in every run of the benchmark.

pub struct Turns {
    order: Vec<usize>,
    state: u64,
}

impl Turns {
    pub fn of(contestants: usize) -> Self {
        Turns { order: (0..contestants).collect(), state: 1 }
    }

    /// The order of another round.
    pub fn next_round(&mut self) -> &[usize] {
        for last in (1..self.order.len()).rev() {
            let other = self.below(last + 1);
            self.order.swap(last, other);
        }
        &self.order
    }

    /// A number below `end`: Knuth's MMIX generator, whose upper bits are the better ones.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % end
    }
}
