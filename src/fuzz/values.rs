//! Runs in: the test harness. Values of options: what is printed is read back, and numbers are what they say.

use super::*;
use crate::fuzz::{Result, Unstructured, check, modestly, soup};

/// A decimal number as people write one, and how many thousand millionths it is.
fn a_number(u: &mut Unstructured<'_>) -> Result<(String, u128)> {
    let whole: u32 = if u.arbitrary()? { u.int_in_range(0..=999)? } else { u.arbitrary()? };
    let digits = u.int_in_range(0..=9_usize)?;
    let fraction = u.int_in_range(0..=10_u32.pow(digits.try_into().unwrap()) - 1)?;
    let text = match (digits, u.arbitrary()?) {
        (0, true) => format!("{whole}."),
        (0, false) => format!("{whole}"),
        _ => format!("{whole}.{fraction:0digits$}"),
    };
    let billionths = u128::from(fraction) * 10_u128.pow((9 - digits).try_into().unwrap());
    Ok((text, u128::from(whole) * 1_000_000_000 + billionths))
}

#[test]
fn a_duration_is_its_number_times_its_unit_and_at_most_a_century() {
    const CENTURY: u128 = 36525 * 86400 * 1_000_000_000;
    check(|u| {
        let (number, billionths) = a_number(u)?;
        let (unit, nanoseconds) =
            *u.choose(&[("", 1000), ("s", 1000), ("ms", 1), ("m", 60_000), ("h", 3_600_000)])?;
        let expected = billionths * nanoseconds / 1000;
        let read = duration(&format!("{number}{unit}"));
        match read {
            Some(read) => assert_eq!(read.as_nanos(), expected, "{number}{unit}"),
            None => assert!(expected > CENTURY - 1_000_000_000 || billionths > CENTURY, "{number}{unit}"),
        }
        Ok(())
    });
}

#[test]
fn a_duration_that_pidone_prints_is_one_that_it_reads() {
    check(|u| {
        let printed = Duration::from_millis(u.int_in_range(0..=100_000_000)?);
        assert_eq!(duration(&crate::stop::text(printed)), Some(printed));
        Ok(())
    });
}

#[test]
fn a_clock_offset_is_its_number() {
    check(|u| {
        let (number, billionths) = a_number(u)?;
        let sign = *u.choose(&["", "+", "-"])?;
        let Some(offset) = clock_offset(&format!("{sign}{number}")) else { return Ok(()) };
        assert!(offset.nanoseconds < 1_000_000_000);
        let read = i128::from(offset.seconds) * 1_000_000_000 + i128::from(offset.nanoseconds);
        let expected = i128::try_from(billionths).unwrap();
        assert_eq!(read, if sign == "-" { -expected } else { expected }, "{sign}{number}");
        Ok(())
    });
}

#[test]
fn ranges_mappings_limits_and_masks_are_read_back() {
    check(|u| {
        let range = Range { inside: u.arbitrary()?, outside: u.arbitrary()?, count: u.int_in_range(1..=u32::MAX)? };
        assert_eq!(id_range(&format!("{}:{}:{}", range.inside, range.outside, range.count)), Some(range));

        // A sign is refused where it would say nothing.
        let place = u.choose_index(3)?;
        let signed = [range.inside, range.outside, range.count].map(|number| number.to_string());
        let signed: Vec<_> = signed
            .iter()
            .enumerate()
            .map(|(at, number)| format!("{}{number}", if at == place { "+" } else { "" }))
            .collect();
        assert_eq!(id_range(&signed.join(":")), None);

        let (from, to): (u8, u8) = u.arbitrary()?;
        assert_eq!(exit_mapping(&format!("{from}:{to}")), Some((from, to)));

        let mask = u.int_in_range(0..=0o777)?;
        assert_eq!(umask(&format!("{mask:o}")), Some(mask));

        let (name, resource) = *u.choose(RESOURCES)?;
        let soft: u64 = u.arbitrary()?;
        let hard = u.int_in_range(soft..=u64::MAX)?;
        let read = limit(&format!("{name}={soft}:{hard}"));
        assert_eq!(read, Some(Limit { resource, name, soft: Some(soft), hard: Some(hard) }));
        assert_eq!(limit(&format!("{name}={soft}:+{hard}")), None);

        let signal = |u: &mut Unstructured<'_>| Ok(Signal::new(u.int_in_range(1..=31)?).unwrap());
        let (a, b) = (signal(u)?, signal(u)?);
        assert_eq!(rewrite(&format!("{a}:{b}")), Some((a, Some(b))));
        Ok(())
    });
}

#[test]
fn whatever_is_given_is_a_value_or_none() {
    const PARTS: &[&str] = &[
        "1",
        "0",
        "9",
        ".",
        ":",
        "-",
        "+",
        "s",
        "ms",
        "h",
        "TERM",
        ",",
        "all",
        "none",
        "=",
        "nofile",
        "fd:",
        "unlimited",
        "/dev/fd/",
        "99999999999999999999",
        "é",
    ];
    check(|u| {
        let bytes = soup(u, PARTS)?;
        let text = String::from_utf8_lossy(&bytes);
        let most = 64 * text.len() + 1024;
        modestly(most, || (duration(&text), clock_offset(&text), id_range(&text), limit(&text), umask(&text)));
        modestly(most, || {
            (signals(&text), rewrite(&text), exit_mapping(&text), groups(&text), user_and_group(&text))
        });
        modestly(most, || {
            (between(&text, -20, 19), capabilities_or_all(&text), trace_target(OsStr::from_bytes(&bytes)))
        });
        Ok(())
    });
}
