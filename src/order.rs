//! Runs in: any thread-free process. One sort for all that is sorted here: by numbers.
//!
//! `slice::sort` is compiled anew for each type and key, and weighs 3 to 6 KB each time.

/// Sorts by what `number` makes of the items. Equal ones keep their order.
pub(crate) fn sort_by_number<T>(items: &mut [T], number: impl Fn(&T) -> u64) {
    let mut order: Vec<(u64, usize)> = items.iter().map(number).zip(0..).collect();
    order.sort_unstable();
    for place in 0..items.len() {
        // Who belongs here was there at first, and has moved to where its place's rightful owner came from.
        let mut from = place;
        while let Some((_, origin)) = order.get(from) {
            from = *origin;
            if from >= place {
                break;
            }
        }
        // An error: it stays where it is.
        if let Ok([one, other]) = items.get_disjoint_mut([place, from]) {
            std::mem::swap(one, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_keeps_its_order() {
        let mut state = 12345_u64;
        for length in 0..60 {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 60
            };
            let mut items: Vec<(u64, usize)> = (0..length).map(|index| (next(), index)).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(number, _)| *number);
            sort_by_number(&mut items, |(number, _)| *number);
            assert_eq!(items, expected);
        }
    }
}
