//! Runs in: the test harness. Id maps: put together from anything, against what the kernel wants of one.

use super::*;
use crate::fuzz::{Result, Unstructured, check, modestly, several, soup};

/// Ids around which something may go wrong, and any others.
fn an_id(u: &mut Unstructured<'_>) -> Result<u32> {
    if u.ratio(1, 4)? { u.arbitrary() } else { Ok(*u.choose(&[0, 1, 2, 1000, 65_536, u32::MAX - 1, u32::MAX])?) }
}

fn a_range(u: &mut Unstructured<'_>) -> Result<Range> {
    Ok(Range { inside: an_id(u)?, outside: an_id(u)?, count: an_id(u)?.max(1) })
}

fn a_request(u: &mut Unstructured<'_>) -> Result<MapRequest> {
    let caller = *u.choose(&[None, Some(Caller::Root), Some(Caller::Current)])?;
    Ok(MapRequest { caller, users: several(u, 5, a_range)?, groups: Vec::new(), auto: u.arbitrary()? })
}

/// user_namespaces(7): no range may overlap another on either side, and none may reach the id −1.
fn is_sound(ranges: &[Range]) -> bool {
    let apart = |a: (u32, u32), b: (u32, u32)| {
        u64::from(a.0) + u64::from(a.1) <= u64::from(b.0) || u64::from(b.0) + u64::from(b.1) <= u64::from(a.0)
    };
    ranges.iter().enumerate().all(|(index, a)| {
        let others = &ranges[index + 1..];
        others.iter().all(|b| {
            apart((a.inside, a.count), (b.inside, b.count)) && apart((a.outside, a.count), (b.outside, b.count))
        }) && a.inside_end() <= u32::MAX.into()
            && a.outside_end() <= u32::MAX.into()
    })
}

#[test]
fn what_is_put_together_is_refused_or_such_as_the_kernel_takes() {
    check(|u| {
        let request = a_request(u)?;
        let subordinate = several(u, 4, |u| Ok((an_id(u)?, an_id(u)?.max(1))))?;
        let own_map = *u.choose(&["0 0 4294967295\n", "0 1000 1\n", "0 100000 65536\n65536 7 1\n", ""])?;
        let authority = Authority { id: an_id(u)?, privileged: u.arbitrary()?, own_map, subordinate: &subordinate };
        let map = modestly(16 << 10, || IdMap::new(Kind::Users, &request, &authority));
        let Ok(map) = map else { return Ok(()) };
        assert!(is_sound(&map.ranges), "{:?}", map.ranges);
        assert_eq!(parse_map(&map.lines()), map.ranges, "what is written is read back");
        for range in &map.ranges {
            assert_eq!(map.inside(range.outside), Some(range.inside));
            let last = range.count - 1;
            assert_eq!(map.inside(range.outside + last), Some(range.inside + last));
            assert!(map.has_inside(range.inside) && map.has_inside(range.inside + last));
            // The kernel alone decides; but who has nothing may map nobody but himself and what was given to him.
            let given = subordinate.iter().any(|given| covers(*given, *range));
            let is_own = range.outside == authority.id && range.count == 1;
            assert!(authority.privileged || given || is_own, "{range:?} of {subordinate:?}");
        }
        if !authority.privileged && !map.needs_helper {
            assert_eq!(map.ranges, [Range { outside: authority.id, count: 1, ..map.ranges[0] }]);
        }
        Ok(())
    });
}

#[test]
fn whatever_stands_in_a_map_is_taken_or_passed_over() {
    check(|u| {
        let text = soup(u, &[" ", "0", "1", "4294967295", "-1", "\n", "\t", "0 0 4294967295\n"])?;
        let text = String::from_utf8_lossy(&text);
        modestly(8 * text.len() + 256, || parse_map(&text));
        Ok(())
    });
}

#[test]
fn ranges_up_to_the_last_id_leave_nothing_to_give_out() {
    let authority =
        Authority { id: 1000, privileged: true, own_map: "0 0 4294967295\n", subordinate: &[(100_000, 65_536)] };
    let beyond = Range { inside: 1, outside: 5, count: u32::MAX };
    let request = MapRequest { users: vec![beyond], auto: true, ..MapRequest::default() };
    let error = IdMap::new(Kind::Users, &request, &authority).unwrap_err();
    assert!(error.message.contains("goes beyond the last id"), "{error:?}");
}
