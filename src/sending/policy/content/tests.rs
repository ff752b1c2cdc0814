//! Tables for the content policy: readings, disguises, honest messages, refusals, admins' files.

use super::{
    links::{Piece, piece},
    matcher,
    reading::{Disguise, read},
    *,
};
use proptest::prelude::*;
use std::sync::LazyLock;

static POLICY: LazyLock<ContentPolicy> = LazyLock::new(ContentPolicy::built_in);

/// The defaults of the settings, as contract 5 has them.
const REFUSE: u8 = 80;
const REVIEW: u8 = 60;

fn total(text: &str) -> u8 {
    POLICY.score(Purpose::Transactional, text).total
}

fn ids(purpose: Purpose, text: &str) -> Vec<String> {
    POLICY.score(purpose, text).signals.iter().map(|s| s.id.to_string()).collect()
}

fn text(message: &str) -> String {
    read(message).text.trim().to_owned()
}

#[test]
fn messages_are_folded() {
    for (message, want) in [
        ("Get 50% OFF today!", "get # % off today"),
        ("Desconto de até 50%", "desconto de ate # %"),
        ("خصم ٥٠٪ اليوم", "خصم # % اليوم"),
        ("win £1,000.50 now", "win ¤ # now"),
        ("Cost 150ppm", "cost # ppm"),
        ("-30 % auf alles", "- # % auf alles"),
        ("see https://bit.ly/x.", "see ↗"),
        ("Visit:www.example.com now", "visit ↗ now"),
        ("l'offre d’été", "l offre d ete"),
        ("%50'ye varan indirim", "% # ye varan indirim"),
        ("FIRSAT fırsat", "firsat firsat"),
        ("🔥Sale🔥", "🔥 sale 🔥"),
        ("order A-1001", "order #"),
    ] {
        assert_eq!(text(message), want, "{message}");
    }
}

#[test]
fn disguises_are_taken_off_and_remembered() {
    for (message, want, kind) in [
        ("frеe gift", "free gift", Disguise::LookAlike),
        ("ВОNUS", "bonus", Disguise::LookAlike),
        ("большая cкидкa", "большая скидка", Disguise::LookAlike),
        ("fr\u{200b}ee", "free", Disguise::Invisible),
        ("s\u{2060}al\u{feff}e", "sale", Disguise::Invisible),
        ("F R E E gift", "free gift", Disguise::Spaced),
        ("s-a-l-e now", "sale now", Disguise::Spaced),
        ("fr33 d1sc0unt", "free discount", Disguise::Leet),
        ("$ale c@sh", "sale cash", Disguise::Leet),
        ("𝗙𝗥𝗘𝗘", "free", Disguise::Styled),
        ("Ｆｒｅｅ", "free", Disguise::Styled),
    ] {
        let r = read(message);
        assert_eq!(r.text.trim(), want, "{message:?}");
        assert!(r.disguises.iter().any(|d| d.0 == kind), "{message:?}: {:?}", r.disguises);
    }
}

#[test]
fn honest_writing_is_no_disguise() {
    for message in [
        "Ваш заказ 2041 отправлен, SMS-код 1234",
        "می‌خواهم سفارش خود را ببینم",
        "محمـــد، طلبك جاهز",
        "הַזְמָנָה מספר 12 מוכנה",
        "Siparişiniz İSTANBUL'da",
        "👩‍👩‍👧 ok ❤️",
        "Rechnung RE-2024-00012 über 12,50 €",
        "Call +44 7700 900123, U.S.A., e.g. at 10:30",
        "Η παραγγελία σας είναι έτοιμη",
        "\u{200f}שלום David\u{200e}!",
        "क्‍या हाल है",
        "iPhone14 B2B Win10 A4 M3 H2O",
    ] {
        let d = read(message).disguises;
        assert!(d.iter().all(|d| d.0 == Disguise::Leet), "{message}: {d:?}");
    }
}

#[test]
fn advertising_is_refused_in_every_dress() {
    for text in [
        "Flash sale! 50% off all shoes today only. Shop now!",
        "FLASH SALE! 50% OFF ALL SHOES TODAY ONLY",
        "F l a s h  s a l e: 50% off all shoes, today only",
        "Fl\u{200b}ash sa\u{200b}le! 50% off all shoes today only",
        "Flаsh sаle! 50% оff all shoes today only",
        "𝗙𝗟𝗔𝗦𝗛 𝗦𝗔𝗟𝗘! 50% off all shoes today only",
        "Ｆｌａｓｈ　ｓａｌｅ！ ５０％ ｏｆｆ ａｌｌ ｓｈｏｅｓ",
        "Fl4sh s4le! 50% 0ff all shoes today only",
        "خـصـم ٥٠٪ على جميع المنتجات اليوم فقط، تسوق الآن",
        "خَصْم 50% عَلى جَميع المُنتَجات، تَسَوَّق الآن",
        "הֲנָחָה של 50% על כל החנות, רק היום!",
        "Скидкa 50% на всё, только сегoдня! Зaкажите сейчас",
        "TÜM ÜRÜNLERDE %50 İNDİRİM! HEMEN ALIŞVERİŞE BAŞLA",
    ] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.total >= REFUSE, "{text}: {score:?}");
    }
}

#[test]
fn a_disguise_is_a_signal_and_alone_never_refuses() {
    for (text, id) in [
        ("Your inv\u{200b}oice 12 is rea\u{200b}dy", "obfuscation.invisible"),
        ("Your invоiсe 12 is rеаdy", "obfuscation.look_alike"),
        ("Your i n v o i c e 12 is r-e-a-d-y", "obfuscation.spaced"),
        ("Your 𝐢𝐧𝐯𝐨𝐢𝐜𝐞 12 is 𝐫𝐞𝐚𝐝𝐲", "obfuscation.styled"),
    ] {
        assert!(ids(Purpose::Transactional, text).iter().any(|i| i == id), "{text}");
        assert!(total(text) < REVIEW, "{text}");
    }
    assert!(ids(Purpose::Transactional, "fr33 g1ft").contains(&"obfuscation.hidden_word".to_owned()));
    assert!(ids(Purpose::Transactional, "order A1B2C3, code INV1001").is_empty());
}

#[test]
fn single_innocent_words_are_nothing_much() {
    for text in [
        "Your offer is attached.",
        "A discount of 10% was applied to your invoice 1041.",
        "The repair is free of charge.",
        "Your order 2041 has been shipped: https://shop.example/t/2041",
        "We are waiting for your reply.",
        "Please call us when you are free.",
        "Your vote in the board meeting was recorded.",
        "تم تطبيق خصم على فاتورتك رقم 12",
        "הזמנה 1001 יצאה למשלוח",
    ] {
        assert!(total(text) < REVIEW, "{text}: {:?}", POLICY.score(Purpose::Transactional, text));
    }
    assert_eq!(total(""), 0);
}

#[test]
fn suspicious_links_are_signals() {
    for (text, id, at_least) in [
        ("Track it: https://bit.ly/abc", "link.shortener", REVIEW),
        ("Pay here http://185.22.1.9/pay", "link.ip_address", REVIEW),
        ("Log in at https://pаypal.com/x", "link.mixed_script", REFUSE),
        ("See https://xn--80ak6aa92e.com", "link.punycode", 1),
        ("Join https://chat.whatsapp.com/AbCdEf", "link.group_invitation", REVIEW),
        ("Join t.me/+AbCdEf", "link.group_invitation", REVIEW),
        ("https://a.example https://b.example https://c.example", "link.many", 1),
    ] {
        assert!(ids(Purpose::Transactional, text).iter().any(|i| i == id), "{text}");
        assert!(total(text) >= at_least, "{text}");
    }
    assert!(matches!(piece("bit.ly"), Piece::Plain | Piece::Link { .. }));
    assert_eq!(total("Your invoice: https://shop.example/i/1"), 0);
}

#[test]
fn authentication_is_a_code_and_little_else() {
    let auth = |text: &str| POLICY.score(Purpose::Authentication, text).total;
    for good in [
        "Your code is 123456",
        "123 456 is your verification code. Do not share it.",
        "G-483920 is your code",
        "رمز التحقق الخاص بك هو ٤٨٣٩٢٠",
        "Code: A7K9Q2\n@example.com #A7K9Q2",
    ] {
        assert_eq!(auth(good), 0, "{good}: {:?}", POLICY.score(Purpose::Authentication, good));
    }
    assert!(auth("Hello, how are you?") >= REVIEW);
    assert!(auth("Your code is 123456, or press https://x.example/login") >= REVIEW);
    assert!(auth("Visit https://x.example to sign in") >= REFUSE);
    assert!(auth(&format!("Your code is 123456. {}", "More words. ".repeat(40))) > 0);
}

#[test]
fn an_admins_files_add_and_silence() {
    let file = |text: &str| vec![("shop.toml".to_owned(), text.to_owned())];
    let policy = ContentPolicy::with_extra(file(
        "without = [\"flash sale\"]\nshorteners = [\"sho.rt\"]\n[[group]]\nid = \"house\"\ncap = 100\nreason = \"says what our house never says\"\n\
         [[rule]]\ngroup = \"house\"\nweight = 90\nphrases = [\"golden spoon*\"]\n",
    ))
    .expect("good rules");
    assert!(policy.score(Purpose::Support, "Two golden spoons").total >= REFUSE);
    assert_eq!(policy.score(Purpose::Support, "sho.rt").total, 0);
    assert!(policy.score(Purpose::Support, "https://sho.rt/x").total >= REVIEW);
    for (text, line, says) in [
        ("[[rule]]\ngroup = \"discuont\"\nweight = 5\nphrases = [\"x\"]", 2, "did you mean \"discount\"?"),
        ("[[rule]]\ngroup = \"discount\"\nweight = 500\nphrases = [\"x\"]", 3, "0 to 100"),
        ("[[rule]]\ngroup = \"discount\"\nweight = 5\nphrases = [\"...\"]", 4, "no word"),
        ("[[rule]]\ngruop = \"discount\"", 2, "gruop"),
        ("[[group]]\nid = \"discount\"\ncap = 1\nreason = \"\"", 2, "exists already"),
        ("nonsense", 1, ""),
    ] {
        let e = ContentPolicy::with_extra(file(text)).expect_err(text);
        assert!(e.what.contains(says) && e.line == line && e.file == "shop.toml", "{text}: {e}");
    }
}

#[test]
fn a_disguise_counts_once_for_each_word() {
    assert_eq!(matcher::count(&read("frеe gіft"), Disguise::LookAlike), 2);
}

proptest! {
    #[test]
    fn any_text_has_a_score(text in "\\PC{0,200}", spaced in "([a-z0-9$@€ аеорсضخصם\u{200b}\u{200d}.!%-]{0,6} ?){0,30}") {
        for purpose in Purpose::ALL {
            for t in [&text, &spaced] {
                let score = POLICY.score(purpose, t);
                prop_assert!(score.total <= 100);
                prop_assert_eq!(score.total == 0, score.signals.is_empty());
            }
        }
    }
}

/// The bounds of contract 5, on the data of `tests/data/policy/`; `examples/policy_report.rs` shows the whole table.
#[test]
fn quality_stays_within_its_bounds() {
    let files = [
        include_str!("../../../../tests/data/policy/messages.tsv"),
        include_str!("../../../../tests/data/policy/marketing.tsv"),
        include_str!("../../../../tests/data/policy/near_misses.tsv"),
        include_str!("../../../../tests/data/policy/scam.tsv"),
    ];
    let mut table = std::collections::BTreeMap::<(&str, &str), (u32, u32)>::new();
    for line in files.iter().flat_map(|f| f.lines().skip(1)) {
        let [label, language, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}")
        };
        let score = match label {
            "chat" => POLICY.score(Purpose::Support, text).as_answer(),
            _ => POLICY.score(Purpose::Transactional, text),
        };
        let count = table.entry((label, language)).or_default();
        count.0 += 1;
        count.1 += u32::from(score.total >= REFUSE);
    }
    let mut honest = (0, 0);
    for ((label, language), (messages, refused)) in table {
        if matches!(label, "spam" | "marketing") {
            assert!(refused * 100 >= messages * 85, "{label} {language}: {refused} of {messages}");
        } else {
            assert!(refused * 100 <= messages, "{label} {language}: {refused} of {messages}");
            honest = (honest.0 + messages, honest.1 + refused);
        }
    }
    assert!(honest.1 * 200 <= honest.0, "{} of {} honest messages refused", honest.1, honest.0);
}
