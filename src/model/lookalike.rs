//! Letters that are taken for letters of another script: Cyrillic and Greek ones that look Latin, and back.
//!
//! Rules: characters only; whether a word that mixes them is a disguise or just Russian is decided by who reads the
//! word (the guard's content rules, the opt-out phrases).

/// Whether `c` is of a script whose letters are taken for Latin ones.
pub fn is_foreign(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}')
}

/// The Latin letter that a Cyrillic or Greek letter, as written (its case matters), is taken for.
pub fn latin_twin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'А' | 'α' | 'Α' => 'a',
        'В' | 'в' | 'ь' | 'β' | 'Β' => 'b',
        'с' | 'С' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'Ё' | 'є' | 'Є' | 'ε' | 'Ε' => 'e',
        'ɡ' => 'g',
        'Н' | 'н' | 'һ' | 'Η' => 'h',
        'і' | 'І' | 'ї' | 'Ї' | 'ι' | 'Ι' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'κ' | 'Κ' => 'k',
        'ӏ' => 'l',
        'М' | 'м' | 'Μ' => 'm',
        'η' | 'Ν' => 'n',
        'о' | 'О' | 'ο' | 'Ο' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ѕ' | 'Ѕ' => 's',
        'Т' | 'т' | 'τ' | 'Τ' => 't',
        'υ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' | 'ω' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'γ' | 'Υ' | 'ү' => 'y',
        'Ζ' => 'z',
        _ => return None,
    })
}

/// The Cyrillic letter that a folded Latin letter is taken for inside a Russian word.
pub fn cyrillic_twin(c: char) -> Option<char> {
    Some(match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        _ => return None,
    })
}

/// Latin letters made of other blocks that folding leaves alone (small capitals, phonetic letters).
pub fn small_capital(c: char) -> Option<char> {
    const FROM: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡɩ";
    const TO: &[u8] = b"abcdefghijklmnoprstuvwyzagi";
    if !matches!(c, '\u{1d00}'..='\u{1d2b}' | '\u{250}'..='\u{2af}' | '\u{a730}'..='\u{a731}') {
        return None;
    }
    FROM.chars().position(|f| f == c).map(|i| char::from(TO[i]))
}

/// `text` with Latin letters for every look-alike; `None` when a Cyrillic or Greek letter looks like no Latin one, or
/// there is none of them.
pub fn as_latin(text: &str) -> Option<String> {
    let mut found = false;
    let twin = |c: char| {
        if let Some(small) = small_capital(c) {
            found = true;
            return Some(small);
        }
        if !is_foreign(c) {
            return Some(c);
        }
        found = true;
        latin_twin(c)
    };
    let mapped: Option<String> = text.chars().map(twin).collect();
    mapped.filter(|_| found)
}

/// Folded `text` with Cyrillic letters for every Latin one; `None` when one looks like no Cyrillic letter.
pub fn as_cyrillic(text: &str) -> Option<String> {
    text.chars().map(|c| if c.is_ascii_alphabetic() { cyrillic_twin(c) } else { Some(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_read() {
        assert_eq!(as_latin("ЅТОР").as_deref(), Some("stop"));
        assert_eq!(as_latin("ѕtоp").as_deref(), Some("stop"));
        assert_eq!(as_latin("ꜱᴛᴏᴘ").as_deref(), Some("stop"));
        assert_eq!(as_latin("стоп"), None);
        assert_eq!(as_latin("stop"), None);
        assert_eq!(as_cyrillic("cтоп").as_deref(), Some("стоп"));
        assert_eq!(as_cyrillic("stop"), None);
    }
}
