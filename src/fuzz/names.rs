//! Runs in: the test harness. Words that stand for something, and texts for people and programs.

use super::{Result, Unstructured, check, modestly, several, soup};
use crate::capability::{self, Capabilities};
use crate::json::Json;
use crate::namespace::{Kind, Kinds};
use crate::procfs::Printable;
use crate::signal::{Rewrites, Signal};
use serde_json::Value;

#[test]
fn a_signal_is_the_same_in_every_spelling_and_by_its_own_name() {
    const PARTS: &[&str] =
        &["SIG", "sig", "RTMIN", "rtmax", "+", "-", "1", "3", "0", "TERM", "kill", "IOT", "cld", "signal ", "34"];
    check(|u| {
        let word = String::from_utf8_lossy(&soup(u, PARTS)?).into_owned();
        let signal = modestly(8 * word.len() + 256, || Signal::parse(&word));
        assert_eq!(signal, Signal::parse(&word.to_ascii_uppercase()), "{word:?}");
        assert_eq!(signal, Signal::parse(&word.to_ascii_lowercase()), "{word:?}");
        if let Some(signal) = signal.filter(|signal| !signal.is_libcs()) {
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal), "{word:?}");
        }
        Ok(())
    });
}

#[test]
fn the_last_word_on_a_signal_counts() {
    check(|u| {
        let mut rewrites = Rewrites::none();
        let mut model: Vec<Option<Signal>> = (0..=64).map(Signal::new).collect();
        for _ in 0..u.int_in_range(0..=40)? {
            let (from, to) = (any_signal(u)?, any_signal(u)?);
            let to = if u.arbitrary()? { Some(to) } else { None };
            rewrites.set(from, to);
            model[usize::try_from(from.number()).unwrap()] = to;
        }
        for signal in (1..=64).filter_map(Signal::new) {
            assert_eq!(rewrites.apply(signal), model[usize::try_from(signal.number()).unwrap()]);
        }
        Ok(())
    });
}

fn any_signal(u: &mut Unstructured<'_>) -> Result<Signal> {
    Ok(Signal::new(u.int_in_range(1..=64)?).unwrap())
}

#[test]
fn capabilities_and_namespaces_are_read_back() {
    check(|u| {
        let known = (1 << capability::names().count()) - 1;
        let set = Capabilities(u.arbitrary::<u64>()? & known);
        if !set.is_empty() {
            assert_eq!(Capabilities::parse(&set.to_string()), Some(set));
        }
        assert!(Capabilities(u.arbitrary()?).to_string().split(',').count() <= 64);

        let kinds = Kind::ALL.into_iter().filter(|_| u.arbitrary().unwrap_or(false));
        let kinds = Kinds::of(&kinds.collect::<Vec<_>>());
        if !kinds.is_empty() {
            assert_eq!(Kinds::parse(&kinds.to_string().replace(", ", ",")), Some(kinds));
        }

        let list = soup(u, &[",", "cap_", "CAP_", "kill", "net_raw", "pid", "mnt", "user", " "])?;
        let list = String::from_utf8_lossy(&list);
        modestly(8 * list.len() + 256, || (Capabilities::parse(&list), Kinds::parse(&list)));
        Ok(())
    });
}

#[test]
fn a_printable_name_has_nothing_that_drives_a_terminal() {
    check(|u| {
        let name: Vec<u8> = u.arbitrary()?;
        let text = modestly(16 * name.len() + 64, || Printable(&name).to_string());
        assert!(text.chars().all(|character| !character.is_control()), "{text:?}");
        Ok(())
    });
}

/// A tree of values, as serde_json has it, of strings that may have been any bytes.
enum Tree {
    Plain(Value),
    Text(Vec<u8>),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn any(u: &mut Unstructured<'_>, depth: u32) -> Result<Self> {
        let most = if depth < 6 { 6 } else { 0 };
        Ok(match u.int_in_range(0..=5)? {
            0 => Tree::Plain(Value::Null),
            1 => Tree::Plain(u.arbitrary::<i64>()?.into()),
            2 => Tree::Plain(u.arbitrary::<bool>()?.into()),
            3 => Tree::Text(soup(u, &["\"", "\\", "\n", "\0", "\x7f", "é", "\u{2028}", "\u{10ffff}", "abc"])?),
            4 => Tree::Array(several(u, most, |u| Tree::any(u, depth + 1))?),
            _ => Tree::Object(several(u, most, |u| Ok((u.arbitrary()?, Tree::any(u, depth + 1)?)))?),
        })
    }

    fn write(&self, json: &mut Json<'_>) {
        match self {
            Tree::Plain(Value::Null) => json.null(),
            Tree::Plain(value) => json.plain(value),
            Tree::Text(text) => json.text(text),
            Tree::Array(elements) => json.array(|json| elements.iter().for_each(|element| element.write(json))),
            Tree::Object(members) => json.object(|json| {
                for (key, member) in members {
                    json.key(key);
                    member.write(json);
                }
            }),
        }
    }

    fn value(&self) -> Value {
        match self {
            Tree::Plain(value) => value.clone(),
            Tree::Text(text) => String::from_utf8_lossy(text).into(),
            Tree::Array(elements) => elements.iter().map(Tree::value).collect(),
            Tree::Object(members) => members.iter().map(|(key, member)| (key.clone(), member.value())).collect(),
        }
    }
}

#[test]
fn json_of_any_bytes_is_read_by_others_as_what_it_was() {
    check(|u| {
        let tree = Tree::any(u, 0)?;
        let mut text = String::new();
        tree.write(&mut Json::new(&mut text));
        assert!(text.bytes().all(|byte| byte >= b' '), "one line, and nothing that drives a terminal: {text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), tree.value(), "{text}");
        Ok(())
    });
}
