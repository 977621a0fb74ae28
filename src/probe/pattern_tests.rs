//! Runs in: the test harness. Expressions, and the lines that they are found in and not.

use super::*;

#[test]
fn expressions_are_found_where_they_are() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("", &["", "a"], &[]),
        ("ready", &["ready", "not ready yet"], &["read", "Ready"]),
        ("^ready$", &["ready"], &["ready ", " ready", ""]),
        ("^(ready|up) [0-9]+$", &["ready 12", "up 0"], &["ready", "ready x", "down 1"]),
        ("a|b|", &["", "c"], &[]),
        ("^(a|bc|d)$", &["a", "bc", "d"], &["b", "abc", ""]),
        ("^a*$", &["", "a", "aaaa"], &["ab"]),
        ("^(ab)+c?$", &["ab", "abab", "ababc"], &["", "c", "aba"]),
        ("^a{2}$", &["aa"], &["a", "aaa"]),
        ("^a{2,}$", &["aa", "aaaaa"], &["a"]),
        ("^(ab){1,2}$", &["ab", "abab"], &["", "ababab"]),
        ("^a{0}$", &[""], &["a"]),
        ("^a**$", &["", "aa"], &["b"]),
        ("^.$", &["a", "é", "→"], &["", "ab"]),
        ("^é+$", &["é", "éé"], &["e", "\u{c3}"]),
        ("^[^a]$", &["b", "é", "^"], &["a", ""]),
        ("^[]a-]$", &["]", "a", "-"], &["b"]),
        ("^[^]]$", &["a"], &["]"]),
        ("^[a-c-]$", &["b", "-"], &["d"]),
        ("^[[:digit:]x]+$", &["1x2"], &["y", ""]),
        ("^[[:space:][:upper:]]$", &[" ", "A"], &["a"]),
        (r"^\^\$\.\*$", &["^$.*"], &["^$xx"]),
        (r"[\]", &[r"\"], &["a"]),
        ("a$|^b", &["xa", "bx"], &["ax", "xb"]),
        ("()", &["", "a"], &[]),
        ("listening on port [0-9]+", &["INFO listening on port 80"], &["listening on port x"]),
    ];
    for (expression, found, not_found) in table {
        let pattern = Pattern::new(expression.as_bytes()).unwrap_or_else(|error| panic!("{expression}: {error}"));
        for line in *found {
            assert!(pattern.is_in(line.as_bytes()), "{expression} in {line:?}");
        }
        for line in *not_found {
            assert!(!pattern.is_in(line.as_bytes()), "{expression} in {line:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_an_expression_is_said() {
    let table = [
        ("(", "a ( without"),
        ("a)", "a ) without"),
        ("[a", "a [ without"),
        ("[]", "a [ without"),
        ("[z-a]", "ends before"),
        ("[[:nope:]]", "[:nope:]"),
        ("[[:alpha", "[: without"),
        ("[[.a.]]", "[. and [="),
        ("[é]", "ASCII"),
        ("*a", "nothing is there"),
        ("(|+)", "nothing is there"),
        ("a{", "a { is to be"),
        ("a{2,1}", "a { is to be"),
        ("a{,3}", "a { is to be"),
        (r"\d", r"\d is not known"),
        (r"a\", r"ends with a \"),
        ("a{99999}", "too large"),
        ("((a{100}){100}){100}", "too large"),
    ];
    for (expression, words) in table {
        let error = Pattern::new(expression.as_bytes()).expect_err(expression);
        assert!(error.contains(words), "{expression}: {error}");
    }
    let deep = "(".repeat(1000);
    assert!(Pattern::new(deep.as_bytes()).unwrap_err().contains("within each other"));
}

#[test]
fn no_expression_takes_for_ever() {
    let line = "a".repeat(4096);
    for expression in ["(a*)*b", "(a|a)*b", "(a+)+$b", "((a?){50}){50}b"] {
        assert!(!Pattern::new(expression.as_bytes()).unwrap().is_in(line.as_bytes()), "{expression}");
    }
}
