//! Texts in disguise: what is refused as it stands is refused in every dress, and what is honest is at most reviewed.

use super::{kinds_tests::POLICY, *};

const OFFERS: [&str; 11] = [
    "Flash sale today only: 50% off all shoes, shop now!",
    "Nur heute: 50% Rabatt auf alle Schuhe, jetzt zugreifen!",
    "Solo hoy: 50% de descuento en todos los zapatos, compra ya!",
    "خصم 50% على جميع المنتجات اليوم فقط، تسوق الآن",
    "Скидка 50% на все товары только сегодня, закажите сейчас",
    "Só hoje: 50% de desconto em todos os sapatos, compre já!",
    "Aujourd'hui seulement : 50% de réduction sur toutes les chaussures, achetez maintenant !",
    "Solo oggi: sconto del 50% su tutte le scarpe, compra subito!",
    "Hanya hari ini: diskon 50% untuk semua sepatu, beli sekarang!",
    "Sadece bugün: tüm ayakkabılarda %50 indirim, hemen alın!",
    "רק היום: 50% הנחה על כל הנעליים, קנו עכשיו!",
];

const HONEST: [&str; 11] = [
    "Your order 2041 has been shipped and will arrive on Thursday.",
    "Ihre neue Rechnung 2041 liegt bereit, bitte bis Freitag zahlen.",
    "Su pedido 2041 llegará mañana entre las 9 y las 12.",
    "طلبك رقم 2041 في الطريق وسيصل يوم الخميس",
    "Ваш заказ 2041 отправлен и прибудет в четверг",
    "Seu pedido 2041 saiu para entrega e chega hoje até as 18h.",
    "Votre commande 2041 a été expédiée et arrivera jeudi.",
    "Il suo ordine 2041 è stato spedito e arriverà giovedì.",
    "Pesanan 2041 sudah dikirim dan tiba hari Kamis.",
    "2041 numaralı siparişiniz yola çıktı, perşembe günü teslim edilecek.",
    "הזמנה 2041 נשלחה ותגיע ביום חמישי.",
];

type Dress = (&'static str, fn(&str) -> String);

/// `more` behind each letter of `text`.
fn behind_letters(text: &str, more: &str) -> String {
    text.chars().map(|c| if c.is_alphabetic() { format!("{c}{more}") } else { c.to_string() }).collect()
}

/// The letters of each word with `between` them, words parted by `gap`.
fn apart(text: &str, between: &str, gap: &str) -> String {
    let word = |w: &str| w.chars().map(String::from).collect::<Vec<_>>().join(between);
    text.split(' ').map(word).collect::<Vec<_>>().join(gap)
}

/// Each character of `from` as the one in the same place of `to`.
fn exchanged(text: &str, from: &str, to: &str) -> String {
    let other = |c: char| from.chars().position(|f| f == c).and_then(|i| to.chars().nth(i));
    text.chars().map(|c| other(c).unwrap_or(c)).collect()
}

/// Letters and digits of ASCII moved to another block: where it has the capitals, the small letters, the digits.
fn moved(text: &str, capitals: u32, small: u32, digits: Option<u32>) -> String {
    let to = |c: char, first: char, block: u32| char::from_u32(block + u32::from(c) - u32::from(first)).unwrap_or(c);
    text.chars()
        .map(|c| match c {
            'A'..='Z' => to(c, 'A', capitals),
            'a'..='z' => to(c, 'a', small),
            '0'..='9' => digits.map_or(c, |digits| to(c, '0', digits)),
            _ => c,
        })
        .collect()
}

fn marked(text: &str, semitic: &str, other: &str) -> String {
    let mark = |c: char| match c {
        '\u{621}'..='\u{64a}' | '\u{5d0}'..='\u{5ea}' => semitic,
        'a' | 'e' | 'o' | 'u' => other,
        _ => "",
    };
    text.chars().map(|c| format!("{c}{}", mark(c))).collect()
}

const DRESSES: [Dress; 27] = [
    ("zero width space", |t| behind_letters(t, "\u{200b}")),
    ("zero width joiner", |t| behind_letters(t, "\u{200d}")),
    ("zero width non-joiner", |t| behind_letters(t, "\u{200c}")),
    ("word joiner", |t| behind_letters(t, "\u{2060}")),
    ("byte order mark", |t| behind_letters(t, "\u{feff}")),
    ("soft hyphen", |t| behind_letters(t, "\u{ad}")),
    ("grapheme joiner", |t| behind_letters(t, "\u{34f}")),
    ("direction mark", |t| behind_letters(t, "\u{200e}")),
    ("variation selector", |t| behind_letters(t, "\u{fe0f}")),
    ("several of them", |t| behind_letters(t, "\u{200b}\u{2060}\u{feff}")),
    ("spaces", |t| apart(t, " ", "  ")),
    ("full stops", |t| apart(t, ".", " ")),
    ("hyphens", |t| apart(t, "-", " ")),
    ("underscores", |t| apart(t, "_", " ")),
    ("middle dots", |t| apart(t, "·", " ")),
    ("stars", |t| apart(t, "*", " ")),
    ("fullwidth", |t| moved(t, 0xff21, 0xff41, Some(0xff10))),
    ("mathematical bold", |t| moved(t, 0x1d400, 0x1d41a, Some(0x1d7ce))),
    ("mathematical sans", |t| moved(t, 0x1d5d4, 0x1d5ee, None)),
    ("circled", |t| moved(t, 0x24b6, 0x24d0, None)),
    ("leet", |t| exchanged(t, "eoai", "3041")),
    ("Cyrillic twins", |t| exchanged(t, "eoacpxy", "еоасрху")),
    ("Latin twins", |t| exchanged(t, "еоасрх", "eoacpx")),
    ("tatweel", |t| t.chars().flat_map(|c| [Some(c), matches!(c, 'ب'..='ي').then_some('\u{640}')]).flatten().collect()),
    ("diacritics", |t| marked(t, "\u{64e}", "\u{301}")),
    ("heaps of diacritics", |t| marked(t, "\u{64e}\u{651}", "\u{301}\u{323}\u{334}")),
    ("mixed", |t| behind_letters(&exchanged(t, "eоai", "еo4і"), "\u{200b}")),
];

#[test]
fn offers_are_refused_in_every_dress() {
    let mut wrong = Vec::new();
    for (name, dress) in DRESSES {
        for text in OFFERS {
            let dressed = dress(text);
            let score = POLICY.score(Purpose::Transactional, &dressed);
            if score.total < 80 {
                wrong.push(format!("{name}: {} {dressed} = {}", score.total, reading::read(&dressed).text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn honest_texts_are_at_most_reviewed_in_any_dress() {
    for (name, dress) in DRESSES {
        for text in HONEST {
            let dressed = dress(text);
            let score = POLICY.score(Purpose::Transactional, &dressed);
            assert!(score.total < 80, "{name}: {dressed}: {score:?}");
        }
    }
}
