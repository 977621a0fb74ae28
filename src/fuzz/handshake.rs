//! Runs in: the test harness. The bytes between init and outer.

use super::*;
use crate::error::FailedCall;
use crate::fuzz::{Result, Unstructured, check, modestly, name, soup};

fn any_report(u: &mut Unstructured<'_>) -> Result<Report> {
    let signal = Signal::new(u.int_in_range(1..=64)?).unwrap();
    Ok(match u.int_in_range(0..=6)? {
        0 => Report::Apart,
        1 => Report::Furnished,
        2 => Report::Joined(Pid::from_raw(u.arbitrary()?)),
        3 => Report::Stopped(signal),
        4 => Report::Ended(Outcome::Exited(u.arbitrary()?)),
        5 => Report::Ended(Outcome::Killed(signal)),
        _ => Report::Failed(Failure::on(
            *u.choose(Stage::ALL)?,
            OsString::from_vec(name(u, 2 * MAX_OBJECT, b"")?),
            Errno::from_raw(u.int_in_range(0..=133)?),
        )),
    })
}

#[test]
fn a_report_arrives_as_it_was_sent_but_for_the_end_of_a_long_name() {
    check(|u| {
        let mut report = any_report(u)?;
        let (header, object) = modestly(0, || report.encode());
        let object = object.to_vec();
        let arrived = modestly(size_of::<FailedCall>(), || Report::decode(header, object));
        if let Report::Failed(failure) = &mut report {
            let mut object = failure.object.clone().into_vec();
            object.truncate(MAX_OBJECT);
            *failure = Failure::on(failure.stage, OsString::from_vec(object), failure.errno);
        }
        assert_eq!(arrived, Some(report));
        Ok(())
    });
}

#[test]
fn what_arrives_is_a_report_or_nothing_and_the_same_again_when_sent_on() {
    check(|u| {
        let bytes = soup(u, &["\x01", "\x02", "\x03", "\x04", "\x05", "\x06", "\0", "\0\0\0\0", "\x09", "x"])?;
        let Some((header, object)) = bytes.split_first_chunk::<HEADER>() else { return Ok(()) };
        let object = object.to_vec();
        if let Some(report) = modestly(size_of::<FailedCall>(), || Report::decode(*header, object)) {
            let (header, object) = report.encode();
            let again = Report::decode(header, object.to_vec()).unwrap();
            match (&again, &report) {
                (Report::Failed(again), Report::Failed(failure)) => {
                    assert!((again.stage, again.errno) == (failure.stage, failure.errno));
                }
                _ => assert_eq!(again, report),
            }
        }
        Ok(())
    });
}

#[test]
fn a_pipe_full_of_anything_is_read_to_its_end() {
    check(|u| {
        let bytes = soup(u, &["\x01\0\0\0\0\0", "\x02\0\0\0\0\0", "\x04\0\0\0\0\0", "\x03\0\x13\0\0\0", "\0"])?;
        let (listener, reporter) = pipe().unwrap();
        let written = write(&reporter.0, &bytes).unwrap_or_default();
        drop(reporter);
        let mut read = 0;
        while !listener.is_at_end() {
            listener.next_if_there(&mut 1);
            listener.next();
            read += 1;
            assert!(read <= written + 1, "a round takes at least a byte");
        }
        Ok(())
    });
}
