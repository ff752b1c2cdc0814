//! Fetching a file, against a library that plays Meta.

use super::*;
use serde_json::json;
use std::sync::Mutex;

/// Plays what it is given, and remembers what it was asked for.
struct Shelf {
    told: Value,
    loads: Mutex<Vec<MediaDownload>>,
    asked: Mutex<Vec<String>>,
}

impl Shelf {
    fn new(told: Value, loads: &[MediaDownload]) -> Self {
        let loads = loads.iter().rev().cloned().collect();
        Self { told, loads: Mutex::new(loads), asked: Mutex::default() }
    }

    fn note(&self, what: String) {
        self.asked.lock().expect("unpoisoned").push(what);
    }
}

impl Library for Shelf {
    fn look<'a>(&'a self, id: &'a str) -> Boxed<'a, Result<Value, MediaError>> {
        self.note(format!("look {id}"));
        Box::pin(std::future::ready(Ok(self.told.clone())))
    }

    fn load<'a>(&'a self, url: &'a str, max_bytes: usize) -> Boxed<'a, Result<MediaDownload, MediaError>> {
        self.note(format!("load {url} {max_bytes}"));
        let loaded = self.loads.lock().expect("unpoisoned").pop();
        Box::pin(std::future::ready(loaded.ok_or_else(|| MediaError::NotNow("nothing more".into()))))
    }

    fn trusts(&self, url: &str) -> bool {
        url.starts_with("https://")
    }
}

/// Base64 and hexadecimal of the SHA-256 of `hello`.
const BASE64: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
const HEX: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn hello() -> MediaDownload {
    MediaDownload::Bytes(b"hello".to_vec())
}

#[tokio::test]
async fn a_file_is_what_both_sums_say_or_it_is_not_taken() {
    let other = "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=";
    for (handle, told, fits) in [
        (format!("7 {BASE64}"), json!(HEX), true),
        (format!("7 {BASE64}"), json!(null), true),
        ("7 ".to_owned(), json!(BASE64), true),
        ("7".to_owned(), json!(null), true),
        // What is no sum proves nothing: one of Meta's own examples is cut short.
        ("7 SfInY0gGKTsJlUWbwxC1k+FAD0FZHv".to_owned(), json!("x"), true),
        (format!("7 {other}"), json!(HEX), false),
        (format!("7 {BASE64}"), json!(other), false),
    ] {
        let shelf = Shelf::new(json!({"url": "https://a/b", "sha256": told}), &[hello()]);
        let got = fetch(&shelf, &handle, 100).await;
        match fits {
            true => assert_eq!(got, Ok(b"hello".to_vec()), "{handle} {told}"),
            false => assert!(matches!(got, Err(MediaError::NotNow(_))), "{handle} {told}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn an_address_that_ran_out_is_asked_for_once_more() {
    let shelf = Shelf::new(json!({"url": "https://a/b"}), &[MediaDownload::Expired, hello()]);
    assert_eq!(fetch(&shelf, "7", 100).await, Ok(b"hello".to_vec()));
    let asked = shelf.asked.lock().expect("unpoisoned").clone();
    assert_eq!(asked, ["look 7", "load https://a/b 100", "look 7", "load https://a/b 100"]);
    let shelf = Shelf::new(json!({"url": "https://a/b"}), &[MediaDownload::Expired, MediaDownload::Expired, hello()]);
    assert!(matches!(fetch(&shelf, "7", 100).await, Err(MediaError::NotNow(_))));
}

#[tokio::test]
async fn nothing_too_large_and_nothing_from_elsewhere() {
    let shelf = Shelf::new(json!({"url": "https://a/b", "file_size": 101}), &[hello()]);
    assert_eq!(fetch(&shelf, "7", 100).await, Err(MediaError::TooLarge(100)));
    assert_eq!(shelf.asked.lock().expect("unpoisoned").len(), 1, "its bytes are not asked for");
    for loaded in [MediaDownload::TooLarge, MediaDownload::Bytes(vec![0; 101])] {
        let shelf = Shelf::new(json!({"url": "https://a/b", "file_size": 5}), &[loaded]);
        assert_eq!(fetch(&shelf, "7", 100).await, Err(MediaError::TooLarge(100)));
    }
    for told in [json!({"url": "http://a/b"}), json!({}), json!([]), json!({"url": 7})] {
        let shelf = Shelf::new(told.clone(), &[hello()]);
        assert!(matches!(fetch(&shelf, "7", 100).await, Err(MediaError::Gone(_))), "{told}");
        assert_eq!(shelf.asked.lock().expect("unpoisoned").len(), 1, "nobody else sees the token");
    }
}
