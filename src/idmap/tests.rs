//! Runs in: the test harness. Tables of maps, and of what is wrong with them.

use super::*;

const ALL_IDS: &str = "         0          0 4294967295\n";

fn range(inside: u32, outside: u32, count: u32) -> Range {
    Range { inside, outside, count }
}

fn root<'a>() -> Authority<'a> {
    Authority { id: 0, privileged: true, own_map: ALL_IDS, subordinate: &[] }
}

fn user(subordinate: &[(u32, u32)]) -> Authority<'_> {
    Authority { id: 1000, privileged: false, own_map: ALL_IDS, subordinate }
}

fn map(request: &MapRequest, authority: &Authority<'_>) -> Result<(String, bool), String> {
    IdMap::new(Kind::Users, request, authority)
        .map(|map| (map.lines().replace('\n', ","), map.needs_helper))
        .map_err(|error| error.message.clone())
}

fn users(ranges: &[Range]) -> MapRequest {
    MapRequest { users: ranges.to_vec(), ..MapRequest::default() }
}

#[test]
fn the_caller_alone_needs_nobody() {
    let asked = |caller| MapRequest { caller, ..MapRequest::default() };
    assert_eq!(map(&asked(Some(Caller::Root)), &user(&[])), Ok(("0 1000 1,".into(), false)));
    assert_eq!(map(&asked(Some(Caller::Current)), &user(&[])), Ok(("1000 1000 1,".into(), false)));
    assert_eq!(map(&asked(None), &user(&[])), Ok(("1000 1000 1,".into(), false)));
}

#[test]
fn subordinate_ids_fill_up_what_is_free() {
    let asked = |caller| MapRequest { caller, auto: true, ..MapRequest::default() };
    let ranges = [(100_000, 65_536), (300_000, 10)];
    let expected = "0 1000 1,1 100000 65536,65537 300000 10,";
    assert_eq!(map(&asked(None), &user(&ranges)), Ok((expected.into(), true)));
    let expected = "1000 1000 1,0 100000 1000,1001 101000 64536,65537 300000 10,";
    assert_eq!(map(&asked(Some(Caller::Current)), &user(&ranges)), Ok((expected.into(), true)));
    assert_eq!(map(&asked(None), &user(&[])), Err("--map-auto: /etc/subuid has no range for you".into()));
}

#[test]
fn what_the_kernel_would_refuse_is_named_before() {
    let table: &[(&[Range], &str)] = &[
        (&[range(0, 0, 10), range(5, 100, 10)], "these overlap inside: 0:0:10 and 5:100:10"),
        (&[range(0, 0, 10), range(10, 5, 10)], "these overlap outside: 0:0:10 and 10:5:10"),
        (&[range(0, 0, 1), range(2, 5, 1)], "there is a gap inside between 0:0:1 and 2:5:1"),
        (&[range(0, u32::MAX - 1, 2)], "goes beyond the last id, 4294967294: 0:4294967294:2"),
    ];
    for (ranges, message) in table {
        assert_eq!(map(&users(ranges), &root()), Err(format!("--map-users: {message}")));
    }
    let many: Vec<_> = (0..341).map(|number| range(number, number, 1)).collect();
    assert!(map(&users(&many), &root()).unwrap_err().contains("341 ranges"));
    assert!(map(&users(&many[..340]), &root()).is_ok());
    // Fewer lines, but long ones: the kernel takes less than a page of them.
    let long: Vec<_> = (0..340).map(|number| range(number, 1_000_000_000 + 2 * number, 1)).collect();
    assert!(map(&users(&long), &root()).unwrap_err().contains("4095 bytes"));
    assert!(map(&users(&long[..200]), &root()).is_ok());
    assert!(map(&users(&[range(0, 0, u32::MAX)]), &root()).is_ok());
}

#[test]
fn only_ours_can_be_mapped() {
    let foreign = users(&[range(0, 1000, 1), range(1, 5000, 1)]);
    let error = map(&foreign, &user(&[(100_000, 10)])).unwrap_err();
    assert_eq!(error, "--map-users: 1:5000:1: these ids are not yours to map");
    let ours = users(&[range(0, 1000, 1), range(1, 100_002, 8)]);
    assert_eq!(map(&ours, &user(&[(100_000, 10)])).map(|(_, helper)| helper), Ok(true));
    assert!(map(&users(&[range(0, 100_002, 9)]), &user(&[(100_000, 10)])).is_err());
    let nested = Authority { own_map: "0 1000 1\n1 100000 65536", ..root() };
    assert!(map(&users(&[range(0, 0, 1), range(1, 1, 65536)]), &nested).is_ok());
    let error = map(&users(&[range(0, 70_000, 1)]), &nested).unwrap_err();
    assert_eq!(error, "--map-users: 0:70000:1: there are no such ids here");
}

#[test]
fn ids_are_found_inside() {
    let map = IdMap::new(Kind::Users, &users(&[range(0, 100, 5), range(5, 7, 1)]), &root()).unwrap();
    assert_eq!([100, 104, 105, 7, 0].map(|id| map.inside(id)), [Some(0), Some(4), None, Some(5), None]);
    assert_eq!([0, 5, 6].map(|id| map.has_inside(id)), [true, true, false]);
}
