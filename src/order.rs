//! Runs in: any thread-free process. One sort for all that is sorted here: by numbers.
//!
//! `slice::sort` is compiled anew for each type and key, and weighs 3 to 6 KB each time.

/// Sorts by what `number` makes of the items. Equal ones keep their order.
pub(crate) fn sort_by_number<T>(items: &mut [T], number: impl Fn(&T) -> u64) {
    let mut order = Vec::new();
    for item in items.iter() {
        order.push((number(item), order.len()));
    }
    put_in_order(order, &mut |place, from| {
        // An error: it stays where it is.
        if let Ok([one, other]) = items.get_disjoint_mut([place, from]) {
            std::mem::swap(one, other);
        }
    });
}

/// Compiled once, and not for each type. Says what is to be swapped for what, each item being the number and where it is.
#[inline(never)]
fn put_in_order(mut order: Vec<(u64, usize)>, swap: &mut dyn FnMut(usize, usize)) {
    order.sort_unstable();
    for place in 0..order.len() {
        // Who belongs here was there at first, and has moved to where its place's rightful owner came from.
        let mut from = place;
        while let Some((_, origin)) = order.get(from) {
            from = *origin;
            if from >= place {
                break;
            }
        }
        swap(place, from);
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
