//! What counts as one emoji: one picture on the screen, however many characters it is written with.
//!
//! The grammar is that of Unicode's emoji sequences (UTS 51): flags, keycaps, and pictures with an optional skin colour,
//! joined to one by zero-width joiners. Which characters are pictures is kept by range (`Extended_Pictographic`), the
//! unassigned ones of it included, so that next year's emoji need no new release.

/// Longest emoji, in characters; the longest that are in use (families, the flags of England and Wales) have about ten.
const MAX_CHARS: usize = 32;

const JOINER: char = '\u{200d}';
const AS_PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// First and last of each range, in order.
const PICTURES: &[(u32, u32)] = &[
    (0xa9, 0xa9),
    (0xae, 0xae),
    (0x203c, 0x203c),
    (0x2049, 0x2049),
    (0x2122, 0x2122),
    (0x2139, 0x2139),
    (0x2194, 0x2199),
    (0x21a9, 0x21aa),
    (0x231a, 0x231b),
    (0x2328, 0x2328),
    (0x2388, 0x2388),
    (0x23cf, 0x23cf),
    (0x23e9, 0x23f3),
    (0x23f8, 0x23fa),
    (0x24c2, 0x24c2),
    (0x25aa, 0x25ab),
    (0x25b6, 0x25b6),
    (0x25c0, 0x25c0),
    (0x25fb, 0x25fe),
    (0x2600, 0x2605),
    (0x2607, 0x2612),
    (0x2614, 0x2685),
    (0x2690, 0x2705),
    (0x2708, 0x2712),
    (0x2714, 0x2714),
    (0x2716, 0x2716),
    (0x271d, 0x271d),
    (0x2721, 0x2721),
    (0x2728, 0x2728),
    (0x2733, 0x2734),
    (0x2744, 0x2744),
    (0x2747, 0x2747),
    (0x274c, 0x274c),
    (0x274e, 0x274e),
    (0x2753, 0x2755),
    (0x2757, 0x2757),
    (0x2763, 0x2767),
    (0x2795, 0x2797),
    (0x27a1, 0x27a1),
    (0x27b0, 0x27b0),
    (0x27bf, 0x27bf),
    (0x2934, 0x2935),
    (0x2b05, 0x2b07),
    (0x2b1b, 0x2b1c),
    (0x2b50, 0x2b50),
    (0x2b55, 0x2b55),
    (0x3030, 0x3030),
    (0x303d, 0x303d),
    (0x3297, 0x3297),
    (0x3299, 0x3299),
    (0x1f000, 0x1f0ff),
    (0x1f10d, 0x1f10f),
    (0x1f12f, 0x1f12f),
    (0x1f16c, 0x1f171),
    (0x1f17e, 0x1f17f),
    (0x1f18e, 0x1f18e),
    (0x1f191, 0x1f19a),
    (0x1f1ad, 0x1f1e5),
    (0x1f201, 0x1f20f),
    (0x1f21a, 0x1f21a),
    (0x1f22f, 0x1f22f),
    (0x1f232, 0x1f23a),
    (0x1f23c, 0x1f23f),
    (0x1f249, 0x1f3fa),
    (0x1f400, 0x1f53d),
    (0x1f546, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f774, 0x1f77f),
    (0x1f7d5, 0x1f7ff),
    (0x1f80c, 0x1f80f),
    (0x1f848, 0x1f84f),
    (0x1f85a, 0x1f85f),
    (0x1f888, 0x1f88f),
    (0x1f8ae, 0x1f8ff),
    (0x1f90c, 0x1f93a),
    (0x1f93c, 0x1f945),
    (0x1f947, 0x1faff),
    (0x1fc00, 0x1fffd),
];

/// Whether a text is exactly one emoji.
pub fn is_one(text: &str) -> bool {
    let chars: Vec<char> = text.chars().take(MAX_CHARS + 1).collect();
    match chars[..] {
        [] => false,
        _ if chars.len() > MAX_CHARS => false,
        [a, b] if is_region(a) && is_region(b) => true,
        [first, KEYCAP] | [first, AS_PICTURE, KEYCAP] => is_key(first),
        _ => chars.split(|c| *c == JOINER).all(is_element),
    }
}

/// A picture, perhaps with a skin colour or the sign for "as a picture", perhaps with the tags of a flag's region.
fn is_element(chars: &[char]) -> bool {
    let [first, rest @ ..] = chars else { return false };
    if !is_picture(*first) {
        return false;
    }
    let rest = match rest {
        [AS_PICTURE, rest @ ..] => rest,
        [colour, rest @ ..] if is_skin(*colour) => rest,
        rest => rest,
    };
    match rest {
        [] => true,
        [tags @ .., '\u{e007f}'] => !tags.is_empty() && tags.iter().all(|c| ('\u{e0020}'..='\u{e007e}').contains(c)),
        _ => false,
    }
}

fn is_picture(c: char) -> bool {
    let at = PICTURES.partition_point(|(_, last)| *last < u32::from(c));
    PICTURES.get(at).is_some_and(|(first, _)| *first <= u32::from(c))
}

const fn is_skin(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

const fn is_region(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

const fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_is_one_emoji_however_it_is_written() {
        for one in
            ["👍", "👍🏽", "❤", "❤️", "❤️‍🔥", "😂", "🇸🇦", "🇮🇱", "1️⃣", "#️⃣", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩🏾‍🤝‍👨🏻", "☎️", "©️", "🫶", "🫩"]
        {
            assert!(is_one(one), "{one} {:?}", one.escape_unicode().to_string());
        }
    }

    #[test]
    fn everything_else_is_none() {
        let long = "👍\u{200d}".repeat(20) + "👍";
        for none in [
            "",
            " ",
            "a",
            "ok",
            "5",
            "12",
            "م",
            "👍👍",
            "👍 ",
            " 👍",
            "👍!",
            "🇸",
            "🇸🇦🇮🇱",
            "\u{200d}",
            "👍\u{200d}",
            "\u{200d}👍",
            "🏽",
            "\u{fe0f}",
            "a\u{20e3}",
            "👍\u{fe0f}\u{fe0f}",
            ":-)",
            "👍\0",
            "🏴\u{e007f}",
            "🏴\u{e0067}",
            "+1",
            &long,
        ] {
            assert!(!is_one(none), "{none} {:?}", none.escape_unicode().to_string());
        }
    }

    #[test]
    fn the_ranges_are_in_order_and_apart() {
        assert!(PICTURES.iter().all(|(first, last)| first <= last));
        assert!(PICTURES.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
