//! A strict reader of JSON (RFC 8259): what it does not take, no parser has to.

use std::collections::BTreeMap;
use std::ops::Index;

/// A value. Numbers are integers: pidone writes no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    Array(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

static NULL: Value = Value::Null;

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::Array(items) => items,
            other => panic!("no array: {other:?}"),
        }
    }

    /// The names of an object's members, sorted.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Value::Object(members) => members.keys().map(String::as_str).collect(),
            other => panic!("no object: {other:?}"),
        }
    }
}

/// A member; null where there is none.
impl Index<&str> for Value {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        match self {
            Value::Object(members) => members.get(key).unwrap_or(&NULL),
            _ => &NULL,
        }
    }
}

/// Reads a text that holds one value and nothing else.
pub fn parse(text: &str) -> Value {
    let mut reader = Reader { rest: text };
    let value = reader.value();
    reader.space();
    assert!(reader.rest.is_empty(), "after the value: {:?}", reader.rest);
    value
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, word: &str) -> bool {
        self.space();
        let after = self.rest.strip_prefix(word);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn need(&mut self, word: &str) {
        assert!(self.take(word), "expected {word:?} at {:?}", self.rest);
    }

    fn value(&mut self) -> Value {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        if let Some((_, value)) = words.into_iter().find(|(word, _)| self.take(word)) {
            return value;
        }
        if self.take("[") {
            return self.array();
        }
        if self.take("{") {
            return self.object();
        }
        if self.take("\"") {
            return Value::Text(self.string());
        }
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit()).len();
        let (number, rest) = self.rest.split_at(digits);
        let bare = number.trim_start_matches('-');
        assert!(bare == "0" || !bare.starts_with('0'), "a number with a leading zero: {number}");
        self.rest = rest;
        Value::Number(number.parse().unwrap_or_else(|_| panic!("no value: {number:?} before {rest:?}")))
    }

    fn array(&mut self) -> Value {
        let mut items = Vec::new();
        if self.take("]") {
            return Value::Array(items);
        }
        loop {
            items.push(self.value());
            if self.take("]") {
                return Value::Array(items);
            }
            self.need(",");
        }
    }

    fn object(&mut self) -> Value {
        let mut members = BTreeMap::new();
        if self.take("}") {
            return Value::Object(members);
        }
        loop {
            self.need("\"");
            let key = self.string();
            self.need(":");
            let value = self.value();
            assert!(members.insert(key.clone(), value).is_none(), "twice: {key}");
            if self.take("}") {
                return Value::Object(members);
            }
            self.need(",");
        }
    }

    /// What follows the opening quote.
    fn string(&mut self) -> String {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next().expect("an open string") {
                '"' => break,
                '\\' => text.push(match characters.next().expect("an open string") {
                    'u' => {
                        let code: String = characters.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&code, 16).expect("four hexadecimal digits");
                        char::from_u32(code).expect("a character, and no half of one")
                    }
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    same @ ('"' | '\\' | '/') => same,
                    other => panic!("no escape: {other:?}"),
                }),
                control if u32::from(control) < 0x20 => panic!("a bare control character: {control:?}"),
                other => text.push(other),
            }
        }
        self.rest = characters.as_str();
        text
    }
}
