//! The model's table, its marks and what it says.

use super::{super::reading, *};

#[test]
fn the_weights_are_for_these_features() {
    let model = Model::built_in();
    assert_eq!(model.table.len(), TABLE);
    assert!(model.dense.iter().all(|w| w.is_finite()) && model.step > 0.0 && model.threshold.is_finite());
    let fraud = FRAUD.map(|place| NAMES[place]);
    let names =
        ["prize", "loan", "riches", "threat", "relative", "together.phishing", "link.ip_address", "link.shortener"];
    assert_eq!(fraud, names);
    assert_eq!((NAMES[BUILT], NAMES[LANGUAGES]), ("rules", "en"));
    assert!(Model::read(b"wagm\x01\0\0\0").is_none(), "weights of another version");
}

#[test]
fn what_is_written_is_read_again() {
    let mut dense = [0.0; NAMES.len()];
    dense[3] = 0.5;
    let file = write(-1.0, 0.25, 2.0, &dense, &vec![-3; TABLE]).leak();
    let model = Model::read(file).expect("a whole file");
    assert_eq!((model.bias, model.step, model.threshold, model.dense), (-1.0, 0.25, 2.0, dense));
    assert_eq!(model.table[7].cast_signed(), -3);
    assert!(Model::read(&file[1..]).is_none() && Model::read(&file[..file.len() - 1]).is_none());
}

#[test]
fn every_sequence_of_four_characters_has_a_place() {
    let count = |text: &str| {
        let mut n = 0;
        sequences(text, |place| n += usize::from(place < TABLE));
        n
    };
    assert_eq!((count(""), count("abc"), count("abcd"), count("abcde"), count("скидка")), (0, 0, 1, 2, 3));
}

#[test]
fn words_and_pairs_have_places_of_their_own() {
    let places = |text: &str| {
        let mut all = Vec::new();
        sequences(text, |place| all.push(place));
        all
    };
    // A word has ended at the blank behind it; the second makes a pair with the one before it.
    assert_eq!(places("ab ").len(), 1);
    let (first, second, both) = (places("ab ")[0], places("cd ")[0], places("ab cd "));
    // "ab c", "b cd" and " cd " beside two words and the pair.
    assert_eq!(both.len(), 6);
    assert!(both.contains(&first) && both.contains(&second));
    let pair = |all: &[usize]| *all.last().expect("the pair is noted last");
    assert_ne!(pair(&both), pair(&places("cd ab ")), "a pair has an order");
    assert!(places("xy ab cd ").contains(&pair(&both)), "wherever it stands");
}

#[test]
fn the_build_of_a_message_is_seen() {
    let m = Marks::of("Hello Anna, 50% OFF £5 until 12.05. at 10:30! 🔥 Ж? v1.2.3");
    assert_eq!((m.per_cents, m.currencies, m.clocks, m.dates, m.exclamations), (1, 1, 1, 1, 1));
    assert_eq!((m.emoji, m.questions), (1, 1));
    let wide = Marks::of("５０％ ＯＦＦ！ ＄５？ 安，");
    assert_eq!((wide.per_cents, wide.currencies, wide.exclamations, wide.questions), (1, 1, 1, 1));
    let read = reading::read("Hello ANNA, 50% OFF £5 Ж? see https://EXAMPLE.com/ABC");
    assert_eq!((read.letters, read.capitals, read.greets), (12, 5, true));
}
